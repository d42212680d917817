"""The cast: who is who in the two hospitals, and how each of them acts."""

from dataclasses import dataclass
from functools import cache
from unittest.mock import patch
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Role, permissions_of
from medical_ai.auth.schemas import SignUp
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef
from medical_ai.tenancy import service as tenancy

PASSWORD = "a horse that staples batteries"  # pragma: allowlist secret - made up
ALICES_CODE = "NUGWI"
CANARY = "Canarymycin"
"""A medicine of Alice's that nobody else must ever read of."""
ALICES_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, and the actor they are when they come with a token."""

    name: str
    email: str
    user_id: UUID
    actor: Actor

    @property
    def role(self) -> str:
        """Return what they are in their hospital."""
        return self.actor.role


@dataclass(frozen=True, slots=True)
class Cast:
    """Alice is Bob's patient; Charlie is a doctor in another hospital."""

    alice: Person
    bob: Person
    charlie: Person
    dana: Person
    nina: Person
    bill: Person

    @property
    def everyone(self) -> tuple[Person, ...]:
        """Return the whole cast."""
        return (self.alice, self.bob, self.charlie, self.dana, self.nina, self.bill)


ROLES = {
    "alice": (Role.PATIENT, "riverside"),
    "bob": (Role.DOCTOR, "riverside"),
    "charlie": (Role.DOCTOR, "hillside"),
    "dana": (Role.ADMINISTRATOR, "riverside"),
    "nina": (Role.NURSE, "riverside"),
    "bill": (Role.BILLING, "riverside"),
}


@cache
def cheap_hash() -> str:
    """Return a hash of PASSWORD that is verified like any other, but in no time."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def create_cast(database: Database) -> Cast:
    """Create everybody, Alice's record, and Bob's care for it."""
    with (
        patch("medical_ai.auth.passwords.hash_password", lambda *_, **__: cheap_hash()),
        database.unit_of_work() as session,
    ):
        people = {name: _create(session, name, *ROLES[name]) for name in ROLES}
        created = Cast(**people)
        record = patients.rename_record(session, actor=created.alice.actor, code=ALICES_CODE)
        patients.start_care(session, patient=record, user_id=created.bob.user_id)
    return created


def create_patient_account(
    session: Session, name: str, *, zone: str = ALICES_ZONE, hospital: str = "riverside"
) -> Person:
    """Create one more patient, in Alice's hospital unless another is named."""
    with patch("medical_ai.auth.passwords.hash_password", lambda *_, **__: cheap_hash()):
        return _create(session, name, Role.PATIENT, hospital, zone=zone)


def record_of(session: Session, person: Person) -> PatientRef:
    """Return a patient's own record."""
    return patients.get_own_patient(session, person.actor, "record:read")


def _create(
    session: Session, name: str, role: Role, slug: str, *, zone: str = ALICES_ZONE
) -> Person:
    hospital = tenancy.ensure_hospital(session, slug=slug, name=slug.title(), country="DE")
    email = f"{name}@example.org"
    user_id = auth.create_demo_account(
        session,
        data=SignUp(email=email, username=name.title(), password=PASSWORD, timezone=zone),
        hospital=hospital,
        role=role,
    )
    session.flush()
    actor = Actor(
        user_id=user_id,
        tenant_id=hospital.id,
        role=role.value,
        permissions=permissions_of(role),
        username=name.title(),
        via="api",
    )
    return Person(name, email, user_id, actor)
