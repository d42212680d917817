"""A patient's access log to take home: events, proofs, a page to read, and what checks them."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.proofs import EVENTS_MAX, export_events, verifier_source
from medical_ai.audit.reading import Wanted, list_events
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.zones import zone_of
from medical_ai.patients import service as patients
from medical_ai.web.access_groups import Day, days_of
from medical_ai.web.access_log import AccessRead, speak_all

READ_ME = """Your access log

log.html      what happened with your record, to read
events.json   the same events as they were sealed
proofs.json   what proves that they are as they were sealed
verify.py     checks both: python3 verify.py

The check needs Python 3.11 or newer and no network. With the package "cryptography" it checks the
signatures as well; ask the hospital whether the key that it prints is its key.
"""


@dataclass(frozen=True, slots=True)
class Readable:
    """What the page in an export shows."""

    code: str
    days: list[Day[AccessRead]]
    made_on: str
    is_cut: bool


def export_log(session: Session, *, actor: Actor, draw: Callable[[Readable], str]) -> bytes:
    """Return the actor's own access log as a zip archive; `draw` makes the page to read.

    Raises NotFound where the account has no record of its own.
    """
    patient = patients.get_own_patient(session, actor, Permission.ACCESS_LOG_READ)
    events, proofs = export_events(session, patient_id=patient.id)
    found, _ = list_events(session, Wanted(patient_id=patient.id, limit=EVENTS_MAX))
    today = clock.now().astimezone(zone_of(patient.home_zone)).date()
    entries = speak_all(session, patient, found)
    readable = Readable(
        code=patient.code,
        days=days_of(entries, zone=patient.home_zone, today=today),
        made_on=f"{today:%-d %B %Y}",
        is_cut=len(found) == EVENTS_MAX,
    )
    audit.record_reading(
        session,
        actor=actor,
        tag=AuditTag.ACCESS_LOG_EXPORTED,
        patient_id=patient.id,
        details={"events": len(events["events"])},
    )
    return _zip(
        {
            "README.txt": READ_ME,
            "log.html": draw(readable),
            "events.json": json.dumps(events, indent=1),
            "proofs.json": json.dumps(proofs, indent=1),
            "verify.py": verifier_source(),
        }
    )


def _zip(contents: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in contents.items():
            packed.writestr(f"access-log/{name}", text)
    return archive.getvalue()
