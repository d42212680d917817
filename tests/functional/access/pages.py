"""The pages of packages that have no module of their own, and the tools.

200 stands for the page, or for the redirect after a form; 403 and 404 for being refused.
"""

from tests.functional.access import EVERYBODY, OWNERS_TALK, READ_ONE, Row, answers

PATIENTS = answers(alice=200, rest=403)
WITH_A_RECORD = answers(alice=200, rest=404)
PROVIDER = "/app/settings/identity-provider"
WITHOUT_A_PROVIDER = answers(rest=404)
MEDICINE = {"name": "Aspirin", "times": "08:00", "days": "mon"}

LINK = {"token": "nobody-was-sent-this"}
WRONG = {
    "current_password": "not this one",  # pragma: allowlist secret - made up
    "new_password": "a lantern on the pier",  # pragma: allowlist secret - made up
    "email": "somebody@example.net",
    "password": "not this one",  # pragma: allowlist secret - made up
}
"""What would change an account is sent with a wrong password, so that the cast stays as it is."""

PAGES: dict[str, Row] = {
    "account.change_email": ("/app/settings/email", WRONG, answers(rest=422)),
    "account.change_password": ("/app/settings/password", WRONG, answers(rest=422)),
    "account.confirm": ("/app/confirm-email", LINK, answers(rest=404)),
    "account.confirm_page": ("/app/confirm-email", None, EVERYBODY),
    "account.email_page": ("/app/settings/email", None, EVERYBODY),
    "account.password_page": ("/app/settings/password", None, EVERYBODY),
    "account.profile_page": ("/app/settings/profile", None, EVERYBODY),
    "account.resend": ("/app/settings/verify-email", {}, EVERYBODY),
    "account.update_profile": ("/app/settings/profile", {"username": "Some"}, EVERYBODY),
    "assistant.ask": ("/app/chat/messages", {"message": "What am I taking?"}, EVERYBODY),
    "assistant.conversation_page": ("/app/chat/{session_id}", None, OWNERS_TALK),
    "assistant.delete": ("/app/chat/{session_id}/delete", {}, OWNERS_TALK),
    "assistant.new_page": ("/app/chat", None, EVERYBODY),
    "auth.sign_out": ("/app/sign-out", {}, EVERYBODY),
    "auth_provider.link": (f"{PROVIDER}/link", None, WITHOUT_A_PROVIDER),
    "auth_provider.settings_page": (PROVIDER, None, WITHOUT_A_PROVIDER),
    "auth_provider.unlink": (f"{PROVIDER}/unlink", {}, WITHOUT_A_PROVIDER),
    "medications.change": ("/app/medications/{medication_id}/edit", MEDICINE, PATIENTS),
    "medications.create": ("/app/medications", MEDICINE, PATIENTS),
    "medications.detail_page": ("/app/medications/{medication_id}", None, READ_ONE),
    "medications.dose_page": ("/app/doses/{dose_id}", None, READ_ONE),
    "medications.edit_page": ("/app/medications/{medication_id}/edit", None, PATIENTS),
    "medications.history_page": ("/app/history", None, WITH_A_RECORD),
    "medications.list_page": ("/app/medications", None, WITH_A_RECORD),
    "medications.new_page": ("/app/medications/new", None, PATIENTS),
    "medications.skip_dose": ("/app/doses/{dose_id}/skipped", {"early": "1"}, PATIENTS),
    "medications.stop": ("/app/medications/{medication_id}/stop", {}, PATIENTS),
    "medications.stop_page": ("/app/medications/{medication_id}/stop", None, PATIENTS),
    "medications.take_dose": ("/app/doses/{dose_id}/taken", {"early": "1"}, PATIENTS),
    "settings.mark_notices_read": ("/app/notices/read", {}, EVERYBODY),
    "settings.notices_page": ("/app/notices", None, EVERYBODY),
    "settings.settings_page": ("/app/settings", None, EVERYBODY),
    "web.today": ("/app/today", None, EVERYBODY),
    "web.today_notices": ("/app/today/notices", None, EVERYBODY),
}


TOOLS: dict[str, dict[str, int]] = {
    "get_medications": READ_ONE,
    "get_doses": READ_ONE,
    "get_next_dose": READ_ONE,
}
"""What each of the cast gets when a tool is asked for Alice's record."""
