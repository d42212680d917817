"""What happens to a browser at the moment it is signed in, whichever way that came about."""

from flask import redirect, session, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import keep_signed_in
from medical_ai.auth.schemas import Tokens
from medical_ai.core.forms import local_page


def welcome(granted: Tokens, address: str | None) -> ResponseReturnValue:
    """Sign the browser in and go on to the page that was wanted."""
    # A new session gets a new form token: one planted before signing in is worth nothing.
    session.clear()
    keep_signed_in(granted)
    return redirect(wanted(address), 303)


def wanted(address: str | None) -> str:
    """Return the page to go on to: a page of ours, or today's."""
    return local_page(address, otherwise=url_for("web.today"))
