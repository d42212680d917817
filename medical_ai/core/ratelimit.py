"""Requests per client address, in the application, so that a limit holds without nginx.

Counts are kept per process unless a shared store is configured. Limits that protect an account
(sign-in, sign-up) are counted in the database instead, see `auth.throttle`.
"""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from medical_ai.core.config import Settings


def install_ratelimit(app: Flask, settings: Settings, *, exempt: frozenset[str]) -> None:
    """Limit every endpoint except those named, which monitors and browsers call in bursts."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        # One count over all endpoints: a limit for each would let a client have many times it.
        application_limits=[settings.ratelimit_default],
        storage_uri=settings.ratelimit_storage_url.get_secret_value(),
        strategy="sliding-window-counter",
        enabled=settings.ratelimit_enabled,
        headers_enabled=False,
    )
    for endpoint in exempt & app.view_functions.keys():
        limiter.exempt(app.view_functions[endpoint])
