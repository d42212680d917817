"""The endpoints of medicines and doses."""

from tests.functional.access import OWN_LIST, READ_ONE, WRITE, Row

DOSE, MEDICINE = "{dose_id}", "{medication_id}"
NEW_MEDICINE = {"name": "Aspirin", "schedules": [{"kind": "times", "times": ["08:00"]}]}

MATRIX: dict[str, Row] = {
    "medications_api.list_medications": ("/medications", None, OWN_LIST),
    "medications_api.create_medication": ("/medications", NEW_MEDICINE, WRITE),
    "medications_api.get_medication": (f"/medications/{MEDICINE}", None, READ_ONE),
    "medications_api.change_medication": (f"/medications/{MEDICINE}", {"name": "Other"}, WRITE),
    "medications_api.stop_medication": (f"/medications/{MEDICINE}", None, WRITE),
    "medications_api.list_doses": ("/doses", None, OWN_LIST),
    "medications_api.get_dose": (f"/doses/{DOSE}", None, READ_ONE),
    "medications_api.take_dose": (f"/doses/{DOSE}/taken", None, WRITE),
    "medications_api.skip_dose": (f"/doses/{DOSE}/skipped", None, WRITE),
}
