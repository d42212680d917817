"""Who a patient is, sealed and found again; who finds whom, and what is kept of it."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from pydantic import SecretStr
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.permissions import Permission
from medical_ai.core.database import Base, Database, kept_rows
from medical_ai.core.errors import NotFound, PermissionDenied
from medical_ai.patients import details, directory
from medical_ai.patients import service as patients
from medical_ai.patients.models import Patient, PatientDetails, PatientSearchTerm
from medical_ai.patients.schemas import Details, PatientCreate, PatientsQuery
from tests.support.patients import WRITTEN, details_of, put_on_ward, write_details
from tests.support.people import ALICES_CODE, Cast, Person, create_patient_account, record_of


def found(session: Session, person: Person, query: str = "", **more: object) -> list[str]:
    """Return the codes that somebody finds."""
    asked = PatientsQuery.model_validate({"query": query} | more)
    listed, _ = directory.list_patients(session, actor=person.actor, query=asked)
    return [one.code for one in listed]


def code_of(session: Session, person: Person) -> str:
    """Return the code of somebody's record."""
    return record_of(session, person).code


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Collect the statements that are run meanwhile."""
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def test_what_was_written_is_read_again(session: Session, alice: Person) -> None:
    assert details.get_own_details(session, actor=alice.actor) == Details()
    write_details(session, alice)
    assert details.get_own_details(session, actor=alice.actor) == details_of()
    details.change_own_details(session, actor=alice.actor, data=Details(name="Alice Ash"))
    assert details.get_own_details(session, actor=alice.actor) == Details(name="Alice Ash")


def test_nothing_of_it_stands_in_the_database_in_the_clear(session: Session, alice: Person) -> None:
    write_details(session, alice)
    session.flush()
    everything = b"".join(
        b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
        for table in Base.metadata.tables.values()
        for row in session.execute(table.select())
    ).lower()
    for text in WRITTEN.values():
        if len(text) > 5:
            assert text.split()[0].lower().encode() not in everything, text


def test_details_moved_to_another_patient_do_not_open(session: Session, alice: Person) -> None:
    carla = create_patient_account(session, "carla")
    for person in (alice, carla):
        write_details(session, person)
    ours, theirs = (
        session.get_one(PatientDetails, record_of(session, one).id) for one in (alice, carla)
    )
    theirs.details_sealed = ours.details_sealed
    session.flush()
    with pytest.raises(Exception, match=r"unknown envelope|does not belong"):
        details.get_own_details(session, actor=carla.actor)


def test_rules_that_become_stricter_leave_what_was_written_readable(
    session: Session, alice: Person
) -> None:
    write_details(session, alice)
    record = record_of(session, alice)
    row = session.get_one(PatientDetails, record.id)
    text = json.dumps({"name": "x" * 900, "of_another_release": 1})
    row.details_sealed = record.vault.seal_text(text, "patient_details", "details", record.id)
    session.flush()
    assert details.get_own_details(session, actor=alice.actor).name == "x" * 900


@pytest.mark.parametrize(
    "query",
    ["zyx", "JOSE", "José qwall", "qwallstrom zyx", "Qwallström", "nugwi", "NUGWI", " Zyxcanary,"],
)
def test_a_doctor_finds_a_patient_of_hers(session: Session, people: Cast, query: str) -> None:
    write_details(session, people.alice)
    assert found(session, people.bob, query) == [ALICES_CODE]


@pytest.mark.parametrize("query", ["canary", "zyx smith", "z", "--", "NUGWA", "%", "' OR 1=1 --"])
def test_what_is_another_name_finds_nobody(session: Session, people: Cast, query: str) -> None:
    write_details(session, people.alice)
    assert found(session, people.bob, query) == []


def test_the_day_of_birth_narrows(session: Session, people: Cast) -> None:
    write_details(session, people.alice)
    assert found(session, people.bob, birth_date=date(1931, 5, 7)) == [ALICES_CODE]
    assert found(session, people.bob, "zyx", birth_date=date(1931, 5, 7)) == [ALICES_CODE]
    assert found(session, people.bob, "zyx", birth_date=date(1931, 5, 8)) == []


def test_a_former_name_finds_nobody(session: Session, people: Cast) -> None:
    write_details(session, people.alice)
    write_details(session, people.alice, name="Newname", birth_date="1931-05-08")
    assert found(session, people.bob, "zyx") == []
    assert found(session, people.bob, birth_date=date(1931, 5, 7)) == []
    assert found(session, people.bob, "newn") == [ALICES_CODE]


def test_each_finds_those_they_deal_with_and_nobody_else(session: Session, people: Cast) -> None:
    carla = create_patient_account(session, "carla")
    for person in (people.alice, carla):
        write_details(session, person)
    put_on_ward(session, patient=carla, nurse=people.nina)
    both = sorted([ALICES_CODE, code_of(session, carla)])
    expected = {
        "bob": [ALICES_CODE], "nina": [code_of(session, carla)],
        "bill": both, "dana": both, "charlie": [],
    }  # fmt: skip
    for name, codes in expected.items():
        for query in ("", "zyxcanary"):
            assert found(session, getattr(people, name), query) == codes, name
    with pytest.raises(PermissionDenied):
        found(session, people.alice)


def test_a_record_whose_key_was_destroyed_is_in_no_list(session: Session, people: Cast) -> None:
    write_details(session, people.alice)
    session.get_one(Patient, record_of(session, people.alice).id).data_key_sealed = None
    session.flush()
    assert found(session, people.dana, "zyx") == []


def test_search_terms_go_with_the_patient(session: Session, people: Cast) -> None:
    made = details.register_patient(
        session, actor=people.dana.actor, data=PatientCreate(name="Zoe Zimmer")
    )
    session.flush()
    assert found(session, people.dana, "zimm") == [made.code]
    session.expunge_all()
    session.delete(session.get_one(Patient, made.id))
    session.flush()
    assert session.scalars(select(PatientSearchTerm)).all() == []


def test_a_name_written_under_a_former_key_of_the_ring_is_found(
    database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        write_details(session, people.alice)
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    former = database.settings.encryption_keys.get_secret_value()
    rotated = database.settings.model_copy(
        update={"encryption_keys": SecretStr(f"{fresh},{former}")}
    )
    rotated.__dict__.pop("ring_keys", None)
    database.settings, before = rotated, database.settings
    database._keyring = None
    try:
        with database.unit_of_work() as session:
            assert found(session, people.bob, "zyx") == [ALICES_CODE]
            write_details(session, people.alice, name="Newname")
            assert found(session, people.bob, "newn") == [ALICES_CODE]
            assert found(session, people.bob, "zyx") == []
    finally:
        database.settings = before
        database._keyring = None


def test_everybody_shown_leaves_one_event_and_it_takes_no_query_for_each(
    database: Database, session: Session, people: Cast
) -> None:
    def look() -> tuple[int, int]:
        session.flush()
        session.expunge_all()
        kept_rows(session).clear()
        with counted(database) as statements:
            shown = found(session, people.dana)
        kept = [one for one in kept_rows(session).values() if isinstance(one, AuditEvent)]
        assert sorted(one.tag for one in kept) == ["patient:listed"] * len(shown)
        assert {one.basis for one in kept} == {"hospital"}
        assert len({one.patient_id for one in kept}) == len(shown)
        return len(shown), len(statements)

    assert look()[0] == 1
    few = look()[1]
    for number in range(9):
        write_details(session, create_patient_account(session, f"carla{number}"))
    assert look() == (10, few)


def test_a_long_list_comes_in_pages(session: Session, people: Cast) -> None:
    for _ in range(directory.PAGE_SIZE + 4):
        patients.create_patient(
            session, hospital_id=people.dana.actor.tenant_id, user_id=None, home_zone="UTC"
        )
    session.flush()
    first, following = directory.list_patients(
        session, actor=people.dana.actor, query=PatientsQuery()
    )
    rest, end = directory.list_patients(
        session, actor=people.dana.actor, query=PatientsQuery(cursor=following)
    )
    codes = [one.code for one in (*first, *rest)]
    assert (len(first), len(rest), end) == (directory.PAGE_SIZE, 5, None)
    assert codes == sorted(set(codes))


def test_a_registered_patient_has_no_account_and_is_seen_as_the_role_may(
    session: Session, people: Cast
) -> None:
    data = PatientCreate.model_validate(WRITTEN | {"timezone": "Europe/Paris"}, strict=False)
    made = details.register_patient(session, actor=people.dana.actor, data=data)
    assert (made.name, made.phone) == (WRITTEN["name"], None)
    record = patients.get_patient(session, made.id)
    assert (record.user_id, record.home_zone, record.country) == (None, "Europe/Paris", "FR")
    event = session.scalars(
        select(AuditEvent).where(
            AuditEvent.tag == "patient:created", AuditEvent.patient_id == made.id
        )
    ).one()
    assert event.actor_user_id == people.dana.user_id
    for person in (people.alice, people.bob, people.nina, people.bill):
        with pytest.raises(PermissionDenied):
            details.register_patient(session, actor=person.actor, data=data)


def test_a_code_opens_for_whom_the_id_does(session: Session, people: Cast) -> None:
    for person in people.everyone:
        outcomes = []
        for open_it in (
            lambda actor: patients.get_patient_by_code_for(
                session, actor, ALICES_CODE, Permission.MEDICATION_READ
            ),
            lambda actor: patients.get_patient_for(
                session, actor, record_of(session, people.alice).id, Permission.MEDICATION_READ
            ),
        ):
            try:
                outcomes.append(str(open_it(person.actor).basis))
            except (NotFound, PermissionDenied) as error:
                outcomes.append(error.slug)
        assert outcomes[0] == outcomes[1], person.name


def test_a_role_for_the_whole_hospital_counts_in_that_hospital_alone(
    session: Session, people: Cast
) -> None:
    elsewhere = replace(people.dana.actor, tenant_id=people.charlie.actor.tenant_id)
    with pytest.raises(NotFound):
        details.get_patient_details(session, actor=elsewhere, code=ALICES_CODE)
