"""How sign-ins go, for Prometheus: by step, never by whose."""

from flask import Response, request

from medical_ai.core.metrics import SIGN_IN_SECONDS, seconds_since_start

STEPS = {
    "auth.sign_in": "password",
    "auth_api.login": "password",
    "auth_api.login_short": "password",
    "second_step.send_code": "code",
    "second_step.passkey": "passkey",
}
OUTCOMES = {401: "failed", 429: "refused"}
FIRST_ERROR = 400


def observe_sign_in(response: Response) -> Response:
    """Count a step of a sign-in; what was not readable, or wants more, is neither way."""
    step = STEPS.get(request.endpoint or "")
    if step is not None:
        fallback = "ok" if response.status_code < FIRST_ERROR else "other"
        outcome = OUTCOMES.get(response.status_code, fallback)
        SIGN_IN_SECONDS.labels(step, outcome).observe(seconds_since_start())
    return response
