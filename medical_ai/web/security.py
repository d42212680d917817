"""What a browser may do with our answers."""

from typing import Any

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface

# Written out as text: Talisman would take it apart and put it together again for every answer.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb")
)


class SessionCookies(SecureCookieSessionInterface):
    """Flask's own cookie, with a signer that is made once instead of for every request."""

    def __init__(self) -> None:
        self._signer: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return the one signer; the secret does not change while a process runs."""
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer


def finish_headers(response: Response) -> Response:
    """Add what Talisman leaves to us: what a page may load, and that no other site embeds it."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
