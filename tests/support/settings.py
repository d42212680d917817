"""Settings for tests: random secrets, no rate limits, and nothing of the developer's own."""

import base64
import os
import secrets
from typing import Any

from medical_ai.core.config import Settings, load_settings

SECRETS = {
    "secret_key": secrets.token_urlsafe(48),
    "jwt_secret": secrets.token_urlsafe(48),
    "jwt_refresh_secret": secrets.token_urlsafe(48),
    "encryption_keys": base64.b64encode(secrets.token_bytes(32)).decode(),
}
KEPT = {"NO_COLOR", "PATH"}


def forget_environment() -> None:
    """Take every variable the settings would read out of this process, and the `.env` file too."""
    names = {name.upper() for name in Settings.model_fields}
    names |= {f"{name}_FILE" for name in names} | {"SECRETS_PREFIX"}
    for variable in list(os.environ):
        if variable.upper() in names - KEPT:
            del os.environ[variable]
    os.environ["ENV_FILE"] = os.devnull


def make_settings(**overrides: Any) -> Settings:
    """Return settings as on a laptop, with these differences."""
    relaxed = {"production": False, "ratelimit_enabled": False, "log_level": "ERROR"}
    return load_settings(**(relaxed | SECRETS | overrides))


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment that gives a process of its own the same settings."""
    variables = {
        name.upper(): _text(getattr(settings, name))
        for name in Settings.model_fields
        if getattr(settings, name) is not None
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | variables | {"ENV_FILE": os.devnull} | more


def _text(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return str(value.get_secret_value())
    return str(value).lower() if isinstance(value, bool) else str(value)
