"""The endpoints of patients: who they are, who looks after them, and emergencies.

Alice is Bob's patient; Nina is a nurse of another ward. Carla is a patient nobody looks after.
"""

from tests.functional.access import READ_ONE, Row, answers

STAFF_LIST = answers(alice=403)
OWN = answers(alice=200, rest=404)
OWN_WRITE = answers(alice=200, rest=403)
KNOWN = answers(nina=404, charlie=404)
TEAM = answers(alice=200, bob=200, dana=200, bill=403, rest=404)
PLACE = answers(dana=200, nina=404, rest=403)
EMERGENCY = answers(bob=200, charlie=404, rest=403)
ADMINISTRATORS = answers(dana=200, rest=403)
REASON = {"reason": "Found unconscious on the stairs."}

MATRIX: dict[str, Row] = {
    "patients_api.get_own_details": ("/records/details", None, OWN),
    "patients_api.change_own_details": ("/records/details", {"name": "Alice Ash"}, OWN_WRITE),
    "patients_api.list_patients": ("/patients", None, STAFF_LIST),
    "patients_api.register_patient": ("/patients", {"name": "Zoe Zimmer"}, ADMINISTRATORS),
    "patients_api.get_patient": ("/patients/{code}", None, KNOWN),
    "patient_medications_api.list_medications": ("/patients/{code}/medications", None, READ_ONE),
    "patient_medications_api.list_doses": ("/patients/{code}/doses", None, READ_ONE),
    "team_api.list_own_care_team": ("/records/care-team", None, answers(
        alice=200, bill=403, rest=404)),
    "team_api.object_to_care": ("/records/care-team/{care_id}/objection", None, OWN_WRITE),
    "team_api.list_care_team": ("/patients/{code}/care-team", None, TEAM),
    "team_api.add_care": (
        "/patients/{code}/care-team",
        {"email": "nobody@example.org"},
        answers(bob=422, dana=422, charlie=404, rest=403),
    ),
    "team_api.end_care": (
        "/patients/{code}/care-team/{other_id}",
        None,
        answers(bob=404, dana=404, charlie=404, rest=403),
    ),
    "team_api.set_ward": ("/patients/{code}/ward-stay", {"ward_id": None}, PLACE),
    "team_api.open_glass": ("/patients/{carlas_code}/break-glass", REASON, EMERGENCY),
    "team_api.close_glass": ("/patients/{carlas_code}/break-glass", None, EMERGENCY),
    "team_api.list_openings": ("/admin/break-glass", None, ADMINISTRATORS),
    "team_api.review_opening": (
        "/admin/break-glass/{other_id}/review",
        None,
        answers(dana=404, rest=403),
    ),
}  # fmt: skip
