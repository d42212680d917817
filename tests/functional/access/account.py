"""The endpoints with which people care for their own account."""

from tests.functional.access import EVERYBODY, Row, answers

# What is sent is wrong, so that the cast stays as it is; who may not send it hears 403 or 404.
WRONG = "not this one"
NEW = "a lantern on the pier"  # pragma: allowlist secret - made up

MATRIX: dict[str, Row] = {
    "account_api.change_password": (
        "/auth/password",
        {"current_password": WRONG, "new_password": NEW},
        answers(rest=422),
    ),
    "account_api.change_email": (
        "/auth/email",
        {"email": "somebody@example.net", "password": WRONG},
        answers(rest=422),
    ),
    "account_api.confirm_email": (
        "/auth/email/confirm",
        {"token": "nobody-was-sent-this"},
        answers(rest=404),
    ),
    "account_api.resend_verification": ("/auth/verify-email/resend", None, answers(rest=409)),
    "account_api.update_me": ("/auth/me", {"username": "Somebody"}, EVERYBODY),
}
