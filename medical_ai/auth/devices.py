"""The name by which an account knows a browser again: random, in a cookie, and opening nothing.

What it is good for stands in `auth.service.clients`. It needs no signature, for nobody guesses 192
random bits and accounts keep a hash of those they know. Signing out leaves it in the browser.
"""

import secrets

from flask import Response, g, request

from medical_ai.auth.cookies import cookie_name, set_cookie
from medical_ai.core.http import current_settings

DEVICE_COOKIE = "device"
DEVICE_BYTES, DEVICE_CHARACTERS = 24, 32
DEVICE_SECONDS = 180 * 24 * 3600


def current_device() -> str:
    """Return this browser's name, or the one it gets if it proves itself in this request."""
    if "device" not in g:
        kept = request.cookies.get(cookie_name(current_settings(), DEVICE_COOKIE), "")
        is_ours = len(kept) == DEVICE_CHARACTERS
        g.device = kept if is_ours else secrets.token_urlsafe(DEVICE_BYTES)
    return str(g.device)


def keep_device() -> None:
    """Let the browser keep its name: the owner of an account used it."""
    g.is_device_known = True


def set_device_cookie(response: Response) -> Response:
    """Put the name into the answer; one that opened nothing is forgotten."""
    if "device" in g and "is_device_known" in g:
        set_cookie(response, DEVICE_COOKIE, g.device, DEVICE_SECONDS)
    return response
