"""The endpoints of caregivers, dependants, and of leaving."""

from tests.functional.access import EVERYBODY, Row, answers

CAREGIVER, DEPENDANT = "{caregiver_id}", "{dependant_id}"
INVITE = {"email": "friend@example.net", "shares": ["medicines"]}
CHILD = {
    "birth_date": "2020-03-05",
    "timezone": "Europe/Berlin",
    "relationship": "child",
    "ends_on": "2030-01-01",
}
# The whole cast but Alice works here: only a patient shares a record and keeps one for others.
PATIENTS = answers(alice=200, rest=403)
NO_SUCH_LINK = answers(alice=404, rest=403)
WRONG = {"password": "wrong"}  # pragma: allowlist secret - nobody has it
WRONG_PASSWORD = answers(rest=422)

MATRIX: dict[str, Row] = {
    "care_api.list_caregivers": ("/caregivers", None, PATIENTS),
    "care_api.invite_caregiver": ("/caregivers", INVITE, PATIENTS),
    "care_api.change_consent": (f"/caregivers/{CAREGIVER}", {"shares": ["medicines"]}, PATIENTS),
    "care_api.withdraw_consent": (f"/caregivers/{CAREGIVER}", None, PATIENTS),
    "care_api.accept_invitation": ("/caregivers/accept", {"token": "none"}, NO_SUCH_LINK),
    "care_api.list_people": ("/caregivers/people", None, PATIENTS),
    "care_api.create_dependant": ("/dependants", CHILD, PATIENTS),
    "care_api.change_end": (f"/dependants/{DEPENDANT}", {"ends_on": "2029-01-01"}, PATIENTS),
    "care_api.offer_handover": (
        f"/dependants/{DEPENDANT}/handover",
        {"email": "emma@example.net"},
        PATIENTS,
    ),
    "care_api.take_over": ("/dependants/takeover", {"token": "none"}, NO_SUCH_LINK),
    "deletion_api.request_deletion": ("/account/deletion", WRONG, WRONG_PASSWORD),
    "deletion_api.get_deletion": ("/account/deletion", None, answers(rest=404)),
    "deletion_api.cancel_deletion": ("/account/deletion", None, answers(rest=404)),
    "export_api.export_account": ("/account/export", None, EVERYBODY),
}

PERSON, CONSENT = "/app/people/{code}", "/app/caregivers/{caregiver_id}"
# Alice keeps no record of somebody with her own code.
NOT_KEPT = answers(alice=404, rest=403)
UNFIT = answers(alice=422, rest=403)

PAGES: dict[str, Row] = {
    "care.accept_invitation": ("/app/invitations/caregiver/accept", {}, UNFIT),
    "care.caregivers_page": ("/app/caregivers", None, PATIENTS),
    "care.change_consent": (CONSENT, {}, UNFIT),
    "care.consent_page": (CONSENT, None, PATIENTS),
    "care.invite": ("/app/caregivers", {}, UNFIT),
    "care.take_over": ("/app/invitations/record", {}, UNFIT),
    "care.withdraw": (f"{CONSENT}/end", {}, PATIENTS),
    "people.add_medicine": (f"{PERSON}/medications", {"name": "Aspirin"}, NOT_KEPT),
    "people.change_end": (f"{PERSON}/end", {"ends_on": "2030-01-01"}, NOT_KEPT),
    "people.create": ("/app/people", {}, UNFIT),
    "people.history_page": (f"{PERSON}/history", None, NOT_KEPT),
    "people.new_medicine_page": (f"{PERSON}/medications/new", None, NOT_KEPT),
    "people.new_page": ("/app/people/new", None, PATIENTS),
    "people.offer_handover": (f"{PERSON}/handover", {}, NOT_KEPT),
    "people.people_page": ("/app/people", None, PATIENTS),
    "people.person_page": (PERSON, None, NOT_KEPT),
    "leaving.cancel_deletion": ("/app/settings/delete/cancel", {}, EVERYBODY),
    "leaving.delete_account": ("/app/settings/delete", WRONG, WRONG_PASSWORD),
    "leaving.delete_page": ("/app/settings/delete", None, EVERYBODY),
    "leaving.export_account": ("/app/settings/export", WRONG, WRONG_PASSWORD),
    "leaving.export_page": ("/app/settings/export", None, EVERYBODY),
}
