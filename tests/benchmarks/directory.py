"""How long it takes to find a patient among many: `python -m tests.benchmarks.directory`.

Prints the median and the slowest of each kind of search, on both databases, for a doctor with
many patients and for an administrator. The names are made up of syllables.
"""

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert

from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing, new_data_key, place
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.patients import directory
from medical_ai.patients.models import (
    CareRelationship,
    Patient,
    PatientDetails,
    PatientSearchTerm,
)
from medical_ai.patients.schemas import Details, PatientsQuery
from medical_ai.patients.search import search_key, terms_of
from tests.support.mariadb import MariaDBServer
from tests.support.people import create_cast
from tests.support.stores import Store, mariadb_settings, sqlite_settings

PATIENTS = 20_000
OF_THE_DOCTOR = 400
ROUNDS = 30
CHUNK = 500
SYLLABLES = ("al", "be", "ca", "dor", "el", "fi", "gan", "ha", "is", "jo", "ka", "lin", "mo", "na")


def main() -> None:
    """Measure on both databases."""
    with tempfile.TemporaryDirectory() as folder, MariaDBServer() as server:
        for name, settings in (
            ("SQLite", sqlite_settings(Path(folder))),
            ("MariaDB", mariadb_settings(server, "directory_benchmark")),
        ):
            store = Store(settings)
            with store.committing(settings) as database:
                measure(name, database)


def measure(name: str, database: Database) -> None:
    """Fill one database and time the searches."""
    cast = create_cast(database)
    started = time.perf_counter()
    fill(database, cast.bob.actor)
    print(f"{name}: {PATIENTS} patients written in {time.perf_counter() - started:.0f} s")
    for who in (cast.bob, cast.dana):
        for what, query in (
            ("everybody", PatientsQuery()),
            ("two letters", PatientsQuery(query="al")),
            ("a name", PatientsQuery(query="albe dor")),
            ("nobody", PatientsQuery(query="zzzz")),
            ("a code", PatientsQuery(query="NUGWI")),
            ("a day of birth", PatientsQuery.model_validate({"birth_date": "1960-06-15"})),
        ):
            seconds, rows = timed(database, who.actor, query)
            median, slowest = statistics.median(seconds) * 1000, max(seconds) * 1000
            print(f"  {who.role:14} {what:15} {rows:3} rows {median:7.1f} ms  {slowest:7.1f} ms")
    sys.stdout.flush()


def timed(database: Database, actor: Actor, query: PatientsQuery) -> tuple[list[float], int]:
    """Run a search some times; its events are written as those of a request are."""
    seconds, rows = [], 0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with database.unit_of_work() as session:
            rows = len(directory.list_patients(session, actor=actor, query=query)[0])
        seconds.append(time.perf_counter() - started)
    return seconds, rows


def fill(database: Database, doctor: Actor) -> None:
    """Write the patients straight into the tables, some of them the doctor's."""
    chance = random.Random(7)  # noqa: S311 - the same names every time
    index_key = search_key(database.settings.ring_keys[0], doctor.tenant_id)
    for first in range(0, PATIENTS, CHUNK):
        with database.unit_of_work() as session:
            rows = [row_of(database, doctor, number, chance, index_key)
                    for number in range(first, first + CHUNK)]  # fmt: skip
            session.execute(insert(Patient), [row[0] for row in rows])
            session.execute(insert(PatientDetails), [row[1] for row in rows])
            session.execute(insert(PatientSearchTerm), [term for row in rows for term in row[2]])
            if first < OF_THE_DOCTOR:
                session.execute(
                    insert(CareRelationship),
                    [care_of(row[0]["id"], doctor) for row in rows[:OF_THE_DOCTOR]],
                )


def row_of(
    database: Database, doctor: Actor, number: int, chance: random.Random, index_key: bytes
) -> tuple[dict[str, object], dict[str, object], list[dict[str, object]]]:
    """Make up one patient: the row, the details and the search terms."""
    patient_id, key = new_id(), new_data_key()
    name = " ".join("".join(chance.choices(SYLLABLES, k=3)).title() for _ in range(2))
    born = f"{chance.randint(1930, 2020)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    details = Details.model_validate({"name": name, "birth_date": born}, strict=False)
    sealed = database.keyring.seal(key, place("patients", "data_key_sealed", patient_id))
    owned: dict[str, object] = {"hospital_id": doctor.tenant_id}
    patient = owned | {"id": patient_id, "code": code_of(number), "data_key_sealed": sealed,
                       "home_zone": "UTC", "country": "", "created_at": clock.now()}  # fmt: skip
    vault = KeyRing([key])
    text = vault.seal_text(details.model_dump_json(), "patient_details", "details", patient_id)
    described = owned | {"patient_id": patient_id, "details_sealed": text,
                         "updated_at": clock.now()}  # fmt: skip
    terms = terms_of(index_key, details.name, details.birth_date)
    return patient, described, [owned | {"patient_id": patient_id, "term": one} for one in terms]


def code_of(number: int) -> str:
    """Return a code that no other number has."""
    letters = ""
    for _ in range(9):
        number, digit = divmod(number, 26)
        letters += chr(ord("A") + digit)
    return letters


def care_of(patient_id: object, doctor: Actor) -> dict[str, object]:
    """Let the doctor look after a patient."""
    assert isinstance(patient_id, UUID)
    return {"id": new_id(), "hospital_id": doctor.tenant_id, "patient_id": patient_id,
            "user_id": doctor.user_id, "started_at": clock.now()}  # fmt: skip


if __name__ == "__main__":
    main()
