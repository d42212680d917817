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
        "/patients/{code}/care-team/{nobodys_id}",
        None,
        answers(bob=404, dana=404, charlie=404, rest=403),
    ),
    "team_api.set_ward": ("/patients/{code}/ward-stay", {"ward_id": None}, PLACE),
    "team_api.open_glass": ("/patients/{carlas_code}/break-glass", REASON, EMERGENCY),
    "team_api.close_glass": ("/patients/{carlas_code}/break-glass", None, EMERGENCY),
    "team_api.list_openings": ("/admin/break-glass", None, ADMINISTRATORS),
    "team_api.review_opening": (
        "/admin/break-glass/{nobodys_id}/review",
        None,
        answers(dana=404, rest=403),
    ),
}  # fmt: skip

ALICES = answers(alice=200, rest=403)
STAFF = answers(alice=403)
DOCTORS = answers(bob=200, charlie=200, rest=403)

PAGES: dict[str, Row] = {
    "directory.list_page": ("/app/patients", None, STAFF),
    "directory.search": ("/app/patients", {"query": "NUGWI"}, STAFF),
    "directory.register_page": ("/app/patients/new", None, ADMINISTRATORS),
    "directory.register": ("/app/patients/new", {"name": "Zoe Zimmer"}, ADMINISTRATORS),
    "directory.patient_page": ("/app/patients/{code}", None, KNOWN),
    "directory.glass_page": ("/app/patients/{carlas_code}/break-glass", None, DOCTORS),
    "directory.open_glass": ("/app/patients/{carlas_code}/break-glass", REASON, EMERGENCY),
    "directory.close_glass": ("/app/patients/{carlas_code}/break-glass/close", {}, EMERGENCY),
    "patients.details_page": ("/app/settings/details", None, ALICES),
    "patients.change_details": ("/app/settings/details", {"name": "Alice Ash"}, ALICES),
    "patients.own_care_team_page": ("/app/care-team", None, ALICES),
    "patients.object_to_care": ("/app/care-team/{care_id}/objection", {}, ALICES),
    "patients.care_team_page": ("/app/patients/{code}/care-team", None, TEAM),
    "patients.add_care": (
        "/app/patients/{code}/care-team",
        {"email": "nobody@example.org"},
        answers(bob=422, dana=422, charlie=404, rest=403),
    ),
    "patients.end_care": (
        "/app/patients/{code}/care-team/{nobodys_id}/end",
        {},
        answers(bob=404, dana=404, charlie=404, rest=403),
    ),
    "patients.set_ward": ("/app/patients/{code}/ward", {"ward_id": ""}, PLACE),
    "patients.openings_page": ("/app/break-glass", None, ADMINISTRATORS),
    "patients.review_opening": (
        "/app/break-glass/{nobodys_id}/review",
        {},
        answers(dana=404, rest=403),
    ),
}
