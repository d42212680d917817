"""The gunicorn target: `app:app`."""

from medical_ai.bootstrap import create_app

app = create_app()
