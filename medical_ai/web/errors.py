"""Error pages."""

from urllib.parse import urlsplit

from flask import g, render_template, request, url_for

from medical_ai.core.forms import local_page
from medical_ai.core.problems import Problem

BAD_REQUEST = 400
FORM_PAGES = {
    "auth.sign_in": "auth.sign_in_page",
    "auth.sign_up": "auth.sign_up_page",
    "second_step.send_code": "auth.sign_in_page",
    "second_step.passkey": "auth.sign_in_page",
    "auth_provider.prove": "auth_provider.proof_page",
}
"""Forms that are open to anybody, with the page they stand on."""


def render_problem(problem: Problem) -> str:
    """Draw a problem for a browser."""
    again = _form_page() if _is_stale_form(problem) else ""
    return render_template("web/error.html", problem=problem, again=again)


def _is_stale_form(problem: Problem) -> bool:
    # The check of the form token leaves a mark when it succeeds.
    return (
        problem.status == BAD_REQUEST
        and request.method == "POST"
        and not g.get("csrf_valid", False)
    )


def _form_page() -> str:
    endpoint = FORM_PAGES.get(request.endpoint or "")
    if endpoint is not None:
        return url_for(endpoint)
    came_from = urlsplit(request.referrer or "").path
    return local_page(came_from, otherwise=url_for("web.today"))
