"""What a stolen disk would give away of a deleted account: the database's file, byte by byte."""

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import make_url, select, update

from medical_ai.assistant import conversations
from medical_ai.auth import service as auth
from medical_ai.auth.models import (
    KnownClient,
    Passkey,
    PersonalToken,
    ProviderSignIn,
    RecoveryCode,
    StaffInvitation,
    TokenFamily,
    TotpFactor,
    User,
)
from medical_ai.auth.permissions import Role
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops.worker import Worker
from medical_ai.patients import caregivers, details
from medical_ai.patients.care_schemas import CaregiverInvite
from medical_ai.patients.consent import Share
from medical_ai.patients.models import Caregiver, Patient
from medical_ai.patients.schemas import Details
from tests.support.medicines import add_medicine
from tests.support.people import Person, record_of

EMAIL = "canary-of-alice@example.org"
PLAIN = {
    "address": EMAIL,
    "name": "Canaryella",
    "password hash": "$argon2id$canary-hash",
    "browser": "Canary Browser 7",
    "token's name": "canary script",
    "token's hash": "canary-token-hash",
    "recovery code's hash": "canary-code-hash",
    "passkey's name": "canary telephone",
    "provider's subject": "canary|subject",
    "known browser": "canary-mark",
}
SEALED = {name: secrets.token_bytes(48) for name in ("second factor", "passkey", "id token")}


@pytest.fixture
def database_kind() -> str:
    """SQLite alone: what MariaDB's files keep is told in the runbook."""
    return "sqlite"


def set_up(database: Database, alice: Person) -> dict[str, bytes]:
    """Give Alice's account everything there is, and return what must not be found afterwards."""
    now, later = clock.now(), clock.now() + timedelta(days=30)
    home = {"user_id": alice.user_id, "hospital_id": alice.actor.tenant_id}
    user_id = alice.user_id
    with database.unit_of_work() as session:
        session.execute(
            update(User)
            .where(User.id == user_id)
            .values(email=EMAIL, username="Canaryella", password_hash="$argon2id$canary-hash")
        )
        family = TokenFamily(**home, user_agent="Canary Browser 7")
        session.add(family)
        session.flush()
        session.add_all(
            [
                TotpFactor(user_id=user_id, secret_sealed=SEALED["second factor"], last_step=1),
                RecoveryCode(user_id=user_id, code_hash="canary-code-hash"),
                Passkey(
                    user_id=user_id,
                    name="canary telephone",
                    credential_id=b"canary-credential",
                    credential_hash="canary-credential-hash",
                    public_key=SEALED["passkey"],
                    sign_count=1,
                ),
                PersonalToken(
                    **home,
                    name="canary script",
                    token_hash="canary-token-hash",
                    scopes="record:read",
                    expires_at=later,
                ),
                ProviderSignIn(
                    user_id=user_id,
                    family_id=family.id,
                    subject="canary|subject",
                    email=EMAIL,
                    id_token_sealed=SEALED["id token"],
                    expires_at=later,
                ),
                KnownClient(user_id=user_id, mark="canary-mark"),
                StaffInvitation(
                    hospital_id=alice.actor.tenant_id,
                    email=EMAIL,
                    role=Role.NURSE,
                    details={},
                    expires_at=later,
                    created_at=now,
                ),
            ]
        )
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["13:00"], name="Canarymycin")
        details.change_own_details(
            session, actor=alice.actor, data=Details(name="Canaryella Ashdown")
        )
        talk = conversations.start_conversation(session, actor=alice.actor, patient_id=None)
        conversations.append_message(session, talk, author="user", content={"text": "canary"})
        caregivers.invite_caregiver(
            session,
            actor=alice.actor,
            data=CaregiverInvite(email="canary-friend@example.net", shares=[Share.MEDICINES]),
        )
        patient = session.get_one(Patient, record_of(session, alice).id)
        friend = session.scalars(select(Caregiver.email_sealed)).one()
        assert patient.data_key_sealed is not None
        assert friend is not None
        sealed = SEALED | {"data key": patient.data_key_sealed, "friend's address": friend}
    return sealed | {name: text.encode() for name, text in PLAIN.items()}


def bytes_of(database: Database) -> bytes:
    """Return everything that is on the disk of a database that is open."""
    path = Path(make_url(database.settings.sqlalchemy_url).database or "")
    log = path.with_name(f"{path.name}-wal")
    return path.read_bytes() + (log.read_bytes() if log.exists() else b"")


@pytest.mark.commits
def test_no_byte_of_an_account_is_left_in_the_file(database: Database, alice: Person) -> None:
    wanted = set_up(database, alice)
    before = bytes_of(database)
    assert [name for name, value in wanted.items() if value not in before] == []
    with database.unit_of_work() as session:
        auth.request_deletion(session, actor=alice.actor)
    with time_machine.travel(clock.now() + timedelta(days=15)):
        worker = Worker(database)
        worker.tick()
        worker.stop()
    with database.reading() as session:
        assert session.get_one(User, alice.user_id).deleted_at is not None
    after = bytes_of(database)
    assert [name for name, value in wanted.items() if value in after] == []


@pytest.mark.commits
def test_whoever_reads_meanwhile_only_puts_the_emptying_off(
    database: Database, alice: Person
) -> None:
    set_up(database, alice)
    with database.reading() as session:
        session.scalars(select(User.id)).all()
        with database.unit_of_work() as other:
            other.execute(update(User).where(User.id == alice.user_id).values(username="Other"))
        database.empty_log()
        assert b"Canaryella" in bytes_of(database)
    database.empty_log()
    assert b"Canaryella" not in bytes_of(database)
