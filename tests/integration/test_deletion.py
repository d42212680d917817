"""Deleting an account: second thoughts, what goes, what stays, and dying half-way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.assistant import conversations
from medical_ai.assistant.models import ChatMessage, Conversation
from medical_ai.audit.models import AuditEvent
from medical_ai.auth import service as auth
from medical_ai.auth.models import DeletionReceipt, Membership, OneTimeToken, TokenFamily, User
from medical_ai.auth.schemas import SignIn
from medical_ai.auth.service import Client
from medical_ai.core.config import Settings
from medical_ai.core.crypto import KeyRing
from medical_ai.core.database import Base, Database
from medical_ai.core.errors import Conflict, DomainError, InvalidInput, NotFound, Unauthenticated
from medical_ai.jobs.models import Job
from medical_ai.medications import ledger, missed, reminders
from medical_ai.medications.models import Dose, DoseDelivery, Medication, MedicationSchedule
from medical_ai.notifications import service as notifications
from medical_ai.notifications.models import Notice
from medical_ai.ops import erasure
from medical_ai.ops.worker import Worker
from medical_ai.patients import caregivers, dependants
from medical_ai.patients import service as patients
from medical_ai.patients.care_schemas import CaregiverInvite, DependantCreate
from medical_ai.patients.consent import Share
from medical_ai.patients.models import Caregiver, CareRelationship, Patient
from tests.support.mail import MailSink
from tests.support.medicines import add_medicine
from tests.support.people import PASSWORD, Cast, Person, record_of

NOW = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=14, minutes=1)
BROWSER = Client("192.0.2.7", "a browser")


@pytest.fixture
def record(session: Session, alice: Person) -> Any:
    """Alice's record with a medicine, a talk, a caregiver's invitation and a child."""
    with time_machine.travel(NOW):
        add_medicine(session, alice, ["13:00"], name="Canarymycin")
        opened = conversations.start_conversation(session, actor=alice.actor, patient_id=None)
        conversations.append_message(session, opened, author="user", content={"text": "hello"})
        caregivers.invite_caregiver(
            session,
            actor=alice.actor,
            data=CaregiverInvite(email="friend@example.net", shares=[Share.MEDICINES]),
        )
        child = {
            "birth_date": "2017-03-05",
            "timezone": "UTC",
            "relationship": "child",
            "ends_on": "2030-01-01",
        }
        dependants.create_dependant(
            session,
            actor=alice.actor,
            data=DependantCreate.model_validate(child, strict=False),
        )
        found = record_of(session, alice)
        session.commit()
    return found


def ask(session: Session, who: Person) -> None:
    """Ask for the deletion, with the clock at NOW."""
    with time_machine.travel(NOW):
        auth.request_deletion(session, actor=who.actor)
        session.commit()


def erase(session: Session) -> int:
    """Let the worker's step run when the time is over."""
    with time_machine.travel(LATER):
        count = erasure.erase_due_accounts(session)
        session.commit()
    session.expire_all()
    return count


def count(session: Session, table: type[Base]) -> int:
    """Count the rows of a table."""
    return len(session.scalars(select(table)).all())


def test_until_the_time_is_over_everything_stays(
    session: Session, alice: Person, record: Any
) -> None:
    ask(session, alice)
    with time_machine.travel(NOW + timedelta(days=13, hours=23)):
        assert erasure.erase_due_accounts(session) == 0
        assert patients.get_own_patient(session, alice.actor, "medication:read").id == record.id


def test_a_deletion_that_was_called_off_never_happens(
    session: Session, alice: Person, record: Any
) -> None:
    ask(session, alice)
    auth.cancel_deletion(session, actor=alice.actor)
    assert erase(session) == 0
    assert record_of(session, alice).id == record.id
    with pytest.raises(NotFound):
        auth.cancel_deletion(session, actor=alice.actor)


def test_asking_twice_moves_nothing(session: Session, alice: Person) -> None:
    with time_machine.travel(NOW):
        first = auth.request_deletion(session, actor=alice.actor)
    with time_machine.travel(NOW + timedelta(days=3)):
        assert auth.request_deletion(session, actor=alice.actor) == first
    assert first.due_at - first.asked_at == timedelta(days=14)


def test_nothing_of_a_person_is_left(session: Session, people: Cast, record: Any) -> None:
    alice = people.alice
    ask(session, alice)
    assert erase(session) == 1
    user = session.get_one(User, alice.user_id)
    assert (user.username, user.password_hash, user.deletion_due_at) == ("", "", None)
    assert user.email == f"{alice.user_id}@deleted.invalid"
    assert user.deleted_at is not None
    for table in (
        Medication, MedicationSchedule, Dose, DoseDelivery, Conversation, ChatMessage,
        Caregiver, Notice, OneTimeToken,
    ):  # fmt: skip
        assert count(session, table) == 0, table.__tablename__
    for table in (TokenFamily, Membership):
        rows = session.scalars(select(table).where(table.user_id == alice.user_id)).all()
        assert rows == []
    for patient in session.scalars(select(Patient)):  # hers and her child's
        assert (patient.data_key_sealed, patient.user_id) == (None, None)
    cared = session.scalars(select(CareRelationship)).all()
    assert all(one.ended_at is not None for one in cared)


def test_the_door_is_shut_for_everybody(session: Session, people: Cast, record: Any) -> None:
    ask(session, people.alice)
    erase(session)
    for person in people.everyone:
        with pytest.raises(DomainError) as refusal:
            patients.get_patient_for(session, person.actor, record.id, "medication:read")
        assert refusal.value.status in {403, 404}
        assert (refusal.value.status == 404) == person.actor.may("medication:read")
    with pytest.raises(NotFound):
        patients.get_patient(session, record.id)


def test_nobody_signs_in_to_it_and_the_address_is_free(
    session: Session, database: Database, alice: Person, record: Any
) -> None:
    ask(session, alice)
    erase(session)
    with pytest.raises(Unauthenticated):
        auth.sign_in(session, data=SignIn(email=alice.email, password=PASSWORD), client=BROWSER)
    assert auth.find_user(session, alice.email) is None


def test_the_receipt_proves_it_and_names_nobody(
    session: Session, alice: Person, record: Any
) -> None:
    ask(session, alice)
    sealed = [one.data_key_sealed for one in session.scalars(select(Patient))]
    erase(session)
    (receipt,) = session.scalars(select(DeletionReceipt))
    assert len(receipt.details["key_fingerprints"]) == len([one for one in sealed if one])
    assert receipt.details["medicines"] == 1
    text = f"{receipt.number} {receipt.details}"
    for personal in (alice.email, "Alice", str(alice.user_id), str(record.id), "friend"):
        assert personal not in text
    assert auth.get_receipt_day(session, number=receipt.number) == receipt.done_at
    with pytest.raises(NotFound):
        auth.get_receipt_day(session, number="AAAA-AAAA-AAAA-AAAA")


def test_the_audit_log_stays(session: Session, alice: Person, record: Any) -> None:
    before = count(session, AuditEvent)
    ask(session, alice)
    erase(session)
    tags = list(session.scalars(select(AuditEvent.tag)))
    assert len(tags) > before
    assert {"account:deleted", "record:destroyed"} <= set(tags)


def test_doing_it_twice_changes_nothing_more(session: Session, alice: Person, record: Any) -> None:
    ask(session, alice)
    assert (erase(session), erase(session)) == (1, 0)
    assert count(session, DeletionReceipt) == 1


@pytest.mark.commits
@pytest.mark.parametrize(
    "dies_at",
    [
        "medical_ai.medications.service.erase_record",
        "medical_ai.assistant.conversations.erase_conversations",
        "medical_ai.notifications.service.erase_notices",
        "medical_ai.auth.service.erase_account",
        "medical_ai.jobs.service.enqueue",
    ],
)
@pytest.mark.settings(smtp_host="127.0.0.1")
def test_a_worker_that_dies_half_way_leaves_all_or_nothing(
    *,
    session: Session,
    database: Database,
    alice: Person,
    record: Any,
    monkeypatch: pytest.MonkeyPatch,
    dies_at: str,
) -> None:
    class Killed(BaseException):
        """Nobody catches this, as nobody catches SIGKILL."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    ask(session, alice)
    with monkeypatch.context() as patched:
        patched.setattr(dies_at, die)
        with time_machine.travel(LATER), pytest.raises(Killed), database.unit_of_work() as dying:
            erasure.erase_due_accounts(dying)
    session.expire_all()
    assert record_of(session, alice).id == record.id
    session.rollback()
    assert erase(session) == 1
    assert count(session, DeletionReceipt) == 1


def test_one_account_that_fails_keeps_no_other_from_being_deleted(
    session: Session, people: Cast, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(session, people.alice)
    ask(session, people.bob)
    real = notifications.erase_notices

    def fail_for_alice(session: Session, *, user_id: Any) -> int:
        if user_id == people.alice.user_id:
            raise ValueError
        return real(session, user_id=user_id)

    monkeypatch.setattr(notifications, "erase_notices", fail_for_alice)
    assert erase(session) == 1
    assert record_of(session, people.alice).id == record.id


def test_the_worker_lives_on_with_a_record_whose_key_is_gone(
    session: Session, alice: Person, record: Any
) -> None:
    # As after a backup that brought the doses back: the key is gone, the rows are there.
    session.execute(update(Patient).where(Patient.id == record.id).values(data_key_sealed=None))
    with time_machine.travel(NOW + timedelta(hours=2)):
        assert ledger.plan_ahead(session) >= 0
        assert reminders.claim_due_doses(session) == 1
        dose = session.scalars(select(Dose).order_by(Dose.due_at)).first()
        assert dose is not None
        assert reminders._begin(session, dose.id, "in-app") is None
    with time_machine.travel(NOW + timedelta(days=3)):
        assert missed.mark_missed(session) >= 1


def test_a_row_that_comes_back_without_its_key_stays_unreadable(
    session: Session, alice: Person, record: Any, settings: Settings
) -> None:
    saved = session.scalars(select(Medication.name_sealed)).one()
    medication_id = session.scalars(select(Medication.id)).one()
    ask(session, alice)
    erase(session)
    ring = KeyRing(settings.ring_keys)
    with pytest.raises(Exception, match="unknown envelope"):
        ring.open_text(saved, "medications", "name", medication_id)


def test_staff_lose_the_account_and_patients_keep_their_record(
    session: Session, people: Cast, record: Any
) -> None:
    ask(session, people.bob)
    assert erase(session) == 1
    assert record_of(session, people.alice).id == record.id
    with pytest.raises(NotFound):
        patients.get_patient_for(session, people.bob.actor, record.id, "medication:read")


def test_the_last_administrator_stays(session: Session, dana: Person) -> None:
    with pytest.raises(Conflict):
        auth.request_deletion(session, actor=dana.actor)


@pytest.mark.commits
def test_the_password_is_proved_and_a_wrong_one_is_written_down(
    database: Database, alice: Person
) -> None:
    auth.prove_password(database, actor=alice.actor, password=PASSWORD)
    with pytest.raises(InvalidInput) as refusal:
        auth.prove_password(database, actor=alice.actor, password=PASSWORD[::-1])
    assert [one.loc for one in refusal.value.fields] == ["password"]
    with database.reading() as session:
        assert "account:password:refused" in list(session.scalars(select(AuditEvent.tag)))


@pytest.mark.commits
def test_the_receipt_goes_to_the_last_address_which_is_then_forgotten(
    database: Database, session: Session, alice: Person, record: Any, mail: MailSink
) -> None:
    ask(session, alice)
    changed = {
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.port,
        "smtp_security": "none",
        "smtp_timeout_seconds": 1,
    }
    database.settings = database.settings.model_copy(update=changed)
    with time_machine.travel(LATER):
        worker = Worker(database)
        worker.tick()
        worker._threads.shutdown(wait=True)
    session.expire_all()
    (receipt,) = session.scalars(select(DeletionReceipt))
    sent = [one for one in mail.taken if receipt.number in str(one)]
    assert len(sent) == 1
    assert receipt.email_sealed is None
    (job,) = session.scalars(select(Job).where(Job.kind == "receipt.send"))
    assert alice.email not in str(job.payload)
