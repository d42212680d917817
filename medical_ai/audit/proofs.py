"""What a patient takes home: the events about them as they were sealed, and the proofs."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit.chain import SEALED_COLUMNS, Block, block_of, sealed_values, spell_moment
from medical_ai.audit.models import AuditBlock, AuditEvent, AuditSeal
from medical_ai.audit.signing import keys_of
from medical_ai.audit.verifier import COLUMNS, FORM, levels_of, path_in, statement_of
from medical_ai.core import clock
from medical_ai.core.database import settings_of

EVENTS_MAX = 2000
AT_ONCE = 200


def export_events(session: Session, *, patient_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a patient's latest events, oldest first, and what proves them, as plain JSON."""
    query = select(*SEALED_COLUMNS).where(AuditEvent.patient_id == patient_id)
    found = session.execute(query.order_by(AuditEvent.id.desc()).limit(EVENTS_MAX)).all()
    rows = [sealed_values(row) for row in reversed(found)]
    seals = _list_seals(session, [UUID(row[0]) for row in rows])
    proved = {seal["event_id"] for seal in seals}
    keys = keys_of(settings_of(session))
    made_at, ids = spell_moment(clock.now()), [row[0] for row in rows]
    signature = keys.sign(statement_of(patient_id.hex, made_at, ids))
    proofs = {
        "keys": keys.public_keys(),
        "statement": {
            "patient_id": patient_id.hex,
            "made_at": made_at,
            "event_ids": ids,
            "key_id": signature.key_id,
            "signature": signature.value.hex(),
        },
        "blocks": _list_headers(session, sorted({seal["block"] for seal in seals})),
        "seals": seals,
        "unsealed": [one for one in ids if one not in proved],
    }
    return {"form": FORM, "columns": list(COLUMNS), "events": rows}, proofs


def verifier_source() -> str:
    """Return the program that checks an export."""
    return files("medical_ai.audit").joinpath("verifier.py").read_text(encoding="utf-8")


def _list_seals(session: Session, event_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    found = [
        seal
        for some in _parts(event_ids)
        for seal in session.execute(
            select(AuditSeal.event_id, AuditSeal.block, AuditSeal.position).where(
                AuditSeal.event_id.in_(some)
            )
        )
    ]
    found.sort(key=lambda seal: (seal.block, seal.position))
    seals = []
    for number, ours in groupby(found, key=lambda seal: seal.block):
        levels = levels_of(_leaves_of(session, number))
        seals += [
            {
                "event_id": seal.event_id.hex,
                "block": seal.block,
                "position": seal.position,
                "path": [one.hex() for one in path_in(levels, seal.position)],
            }
            for seal in ours
        ]
    return seals


def _leaves_of(session: Session, number: int) -> list[bytes]:
    query = select(AuditSeal.leaf).where(AuditSeal.block == number).order_by(AuditSeal.position)
    return list(session.scalars(query))


def _list_headers(session: Session, numbers: Sequence[int]) -> dict[str, dict[str, Any]]:
    headers: dict[str, dict[str, Any]] = {}
    for some in _parts(numbers):
        rows = session.execute(select(AuditBlock.__table__).where(AuditBlock.number.in_(some)))
        headers |= {str(row["number"]): _header(block_of(row)) for row in rows.mappings()}
    return headers


def _header(block: Block) -> dict[str, Any]:
    spelled = asdict(block)
    spelled.pop("number")
    return {key: one.hex() if isinstance(one, bytes) else one for key, one in spelled.items()}


def _parts(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
