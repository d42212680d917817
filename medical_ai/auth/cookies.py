"""Cookies that no script reads and no other host plants."""

from flask import Response

from medical_ai.core.config import Settings
from medical_ai.core.http import current_settings


def cookie_name(settings: Settings, name: str) -> str:
    """Return a cookie's name; the `__Host-` prefix pins it to this host, path / and https."""
    return f"__Host-{name}" if settings.cookie_secure else name


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Let the browser keep a value for so long; no time at all takes it away."""
    settings = current_settings()
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=seconds,
        path="/",
        secure=settings.cookie_secure,
        httponly=True,
        samesite="Lax",
    )
