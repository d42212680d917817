"""Demo people: the same ones every time, on a laptop and never in production."""

import secrets
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Role, permissions_of
from medical_ai.auth.schemas import SignUp
from medical_ai.auth.staff_schemas import StaffUpdate, WardCreate
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings, SettingsError
from medical_ai.core.database import Database
from medical_ai.medications.samples import add_sample_medicines
from medical_ai.patients import details, ward_stays
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import Details, WardStayUpdate
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef

ZONE = "Europe/London"
COUNTRY = "GB"
WARDS = ("Ward A", "Ward B")
NINAS_WARD = "Ward B"
CODES = {"alice": "NUGWI", "erin": "TOVAL"}
DETAILS = {
    "alice": Details(
        name="Alice Ashdown",
        birth_date=date(1957, 3, 14),
        sex="female",
        phone="+44 20 7946 0018",
        email="alice@example.org",
        address="12 Orchard Lane\nRiverside RV4 2QT",
        national_id="QQ 12 34 56 C",
        insurance_number="485 777 3456",
        language="en",
        emergency_contact="Tom Ashdown, her son, +44 20 7946 0733",
    ),
    "erin": Details(
        name="Erin O'Malley",
        birth_date=date(1988, 11, 2),
        sex="female",
        phone="+44 20 7946 0244",
        language="en",
    ),
}
"""Made up; the telephone numbers are those that are kept for stories and given to nobody."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the cast."""

    name: str
    role: Role
    hospital: str = "riverside"

    @property
    def email(self) -> str:
        """Return the address they sign in with."""
        return f"{self.name}@example.org"


HOSPITALS = {"riverside": "Riverside Hospital", "hillside": "Hillside Hospital"}
CAST = (
    Person("alice", Role.PATIENT),
    Person("erin", Role.PATIENT),
    Person("bob", Role.DOCTOR),
    Person("nina", Role.NURSE),
    Person("bill", Role.BILLING),
    Person("dana", Role.ADMINISTRATOR),
    Person("charlie", Role.DOCTOR, "hillside"),
)


def create_demo(database: Database, *, password: str) -> tuple[Person, ...]:
    """Create the cast with this password, or give the existing cast this password.

    Raises SettingsError in production.
    """
    if database.settings.production:
        raise SettingsError("PRODUCTION is on: demo people cannot exist in production")
    with database.unit_of_work() as session:
        hospitals = {
            slug: tenancy.ensure_hospital(session, slug=slug, name=name, country=COUNTRY)
            for slug, name in HOSPITALS.items()
        }
        known = [
            auth.set_demo_password(session, email=person.email, password=password)
            for person in CAST
        ]
        if not any(known):
            _create_cast(session, hospitals, password)
    return CAST


def demo_password(settings: Settings) -> str:
    """Return the configured password of the cast, or a random one."""
    return settings.demo_password.get_secret_value() or secrets.token_urlsafe(9)


def _create_cast(session: Session, hospitals: dict[str, HospitalRef], password: str) -> None:
    ids = {}
    for person in CAST:
        ids[person.name] = auth.create_demo_account(
            session,
            data=SignUp(
                email=person.email,
                username=person.name.capitalize(),
                password=password,
                timezone=ZONE,
            ),
            hospital=hospitals[person.hospital],
            role=person.role,
        )
    dana = _actor("dana", Role.ADMINISTRATOR, ids["dana"], hospitals["riverside"])
    ninas_ward = _open_wards(session, dana)
    for name, code in CODES.items():
        actor = _actor(name, Role.PATIENT, ids[name], hospitals["riverside"])
        record = patients.rename_record(session, actor=actor, code=code)
        details.change_own_details(session, actor=actor, data=DETAILS[name])
        add_sample_medicines(session, actor=actor, patient=record)
        if name == "alice":  # no doctor looks after Erin
            patients.start_care(session, patient=record, user_id=ids["bob"])
    stay = WardStayUpdate(ward_id=ninas_ward)
    ward_stays.set_ward(session, actor=dana, code=CODES["erin"], data=stay)


def _open_wards(session: Session, dana: Actor) -> UUID:
    """Open the wards, put Nina on hers and return it; Erin is there, too, and Alice on none."""
    opened = {
        name: auth.create_ward(session, actor=dana, data=WardCreate(name=name)) for name in WARDS
    }
    staff = auth.list_staff(session, actor=dana)
    auth.change_member(
        session,
        actor=dana,
        membership_id=next(one.id for one in staff if one.name == "Nina"),
        data=StaffUpdate(wards=[opened[NINAS_WARD].id]),
    )
    return opened[NINAS_WARD].id


def _actor(name: str, role: Role, user_id: UUID, hospital: HospitalRef) -> Actor:
    return Actor(
        user_id=user_id,
        tenant_id=hospital.id,
        role=role.value,
        permissions=permissions_of(role),
        username=name.capitalize(),
        via="cli",
    )
