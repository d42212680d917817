"""Whose record is whose: the whole cast at Alice's door."""

from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.permissions import Permission
from medical_ai.core.errors import NotFound, PermissionDenied
from medical_ai.medications import ledger, service
from medical_ai.medications.states import DoseStatus
from medical_ai.patients import service as patients
from medical_ai.patients.models import CareRelationship, Patient
from tests.support.medicines import add_medicine, doses_of
from tests.support.people import ALICES_CODE, Cast, Person, create_patient_account, record_of

READ = Permission.MEDICATION_READ


def test_alice_has_her_code(session: Session, alice: Person) -> None:
    assert record_of(session, alice).code == ALICES_CODE


def test_her_doctor_sees_her_record(session: Session, alice: Person, bob: Person) -> None:
    record = record_of(session, alice)
    assert patients.get_patient_for(session, bob.actor, record.id, READ).id == record.id


def test_it_hides_the_record_from_another_hospital(
    session: Session, alice: Person, charlie: Person
) -> None:
    with pytest.raises(NotFound):
        patients.get_patient_for(session, charlie.actor, record_of(session, alice).id, READ)


def test_it_hides_the_record_from_a_nurse_of_another_ward(
    session: Session, alice: Person, nina: Person
) -> None:
    with pytest.raises(NotFound):
        patients.get_patient_for(session, nina.actor, record_of(session, alice).id, READ)


@pytest.mark.parametrize("name", ["bill", "dana"])
def test_a_role_without_the_permission_is_refused_before_any_look(
    session: Session, people: Cast, name: str
) -> None:
    outsider = getattr(people, name).actor
    for patient_id in (record_of(session, people.alice).id, uuid4()):
        with pytest.raises(PermissionDenied):
            patients.get_patient_for(session, outsider, patient_id, READ)


def test_a_record_that_is_hidden_looks_like_one_that_is_not_there(
    session: Session, alice: Person, charlie: Person
) -> None:
    details = []
    for patient_id in (record_of(session, alice).id, uuid4()):
        with pytest.raises(NotFound) as refusal:
            patients.get_patient_for(session, charlie.actor, patient_id, READ)
        details.append((refusal.value.detail, refusal.value.slug))
    assert details[0] == details[1]


def test_care_in_one_hospital_does_not_follow_a_doctor_into_another(
    session: Session, alice: Person, bob: Person, charlie: Person
) -> None:
    elsewhere = type(bob.actor)(
        user_id=bob.user_id,
        tenant_id=charlie.actor.tenant_id,
        role=bob.role,
        permissions=bob.actor.permissions,
        username=bob.name,
        via="api",
    )
    with pytest.raises(NotFound):
        patients.get_patient_for(session, elsewhere, record_of(session, alice).id, READ)


def test_care_that_has_ended_opens_nothing(session: Session, alice: Person, bob: Person) -> None:
    record = record_of(session, alice)
    session.scalars(select(CareRelationship)).one().ended_at = record_started(session)
    session.flush()
    with pytest.raises(NotFound):
        patients.get_patient_for(session, bob.actor, record.id, READ)


def test_patients_do_not_see_each_other(session: Session, alice: Person) -> None:
    carla = create_patient_account(session, "carla")
    with pytest.raises(NotFound):
        patients.get_patient_for(session, carla.actor, record_of(session, alice).id, READ)


@pytest.mark.parametrize("name", ["charlie", "nina"])
def test_medicines_and_doses_are_hidden_from_outsiders(
    session: Session, people: Cast, name: str
) -> None:
    medicine = add_medicine(session, people.alice, ["08:00"])
    dose = doses_of(session, medicine.id)[0]
    outsider = getattr(people, name).actor
    with pytest.raises(NotFound):
        service.get_medication(session, actor=outsider, medication_id=medicine.id)
    with pytest.raises(NotFound):
        ledger.get_dose(session, actor=outsider, dose_id=dose.id)


def test_her_doctor_reads_but_does_not_write(session: Session, alice: Person, bob: Person) -> None:
    medicine = add_medicine(session, alice, ["08:00"])
    dose = doses_of(session, medicine.id)[0]
    seen = service.get_medication(session, actor=bob.actor, medication_id=medicine.id)
    assert seen.name == medicine.name
    with pytest.raises(PermissionDenied):
        service.stop_medication(session, actor=bob.actor, medication_id=medicine.id)
    with pytest.raises(PermissionDenied):
        ledger.answer_dose(session, actor=bob.actor, dose_id=dose.id, status=DoseStatus.TAKEN)


def test_a_record_whose_key_was_destroyed_is_gone(session: Session, alice: Person) -> None:
    record = record_of(session, alice)
    session.get_one(Patient, record.id).data_key_sealed = None
    session.flush()
    with pytest.raises(NotFound):
        patients.get_patient_for(session, alice.actor, record.id, READ)


def test_a_key_moved_to_another_patient_opens_nothing(session: Session, alice: Person) -> None:
    carla = create_patient_account(session, "carla")
    add_medicine(session, alice, ["08:00"])
    hers = session.get_one(Patient, record_of(session, alice).id)
    carlas = session.get_one(Patient, record_of(session, carla).id)
    carlas.data_key_sealed = hers.data_key_sealed
    session.flush()
    with pytest.raises(Exception, match="does not belong here"):
        record_of(session, carla)


def test_audit_events_cannot_be_changed_or_deleted(session: Session, alice: Person) -> None:
    event = session.scalars(select(AuditEvent).limit(1)).one()
    event.tag = "nothing:happened"
    with pytest.raises(RuntimeError, match="append-only"):
        session.flush()
    session.rollback()
    event = session.scalars(select(AuditEvent).limit(1)).one()
    session.delete(event)
    with pytest.raises(RuntimeError, match="append-only"):
        session.flush()


def record_started(session: Session) -> object:
    """Return when care began, which is as good a moment as any for it to end."""
    return session.scalars(select(CareRelationship.started_at)).one()
