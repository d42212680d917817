"""The gunicorn target: `app:app`."""

from medical_ai.bootstrap import create_app
from medical_ai.core.config import SettingsError

try:
    app = create_app()
except SettingsError as error:  # a sentence for the sysadmin instead of a stack trace
    raise SystemExit(f"Not configured: {error}") from None
