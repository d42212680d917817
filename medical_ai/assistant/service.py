"""One turn of the assistant: red flags first, then the record, then an answer that is saved."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

from medical_ai.assistant import conversations, emergencies
from medical_ai.assistant.conversations import OpenConversation
from medical_ai.assistant.responder import CallTool, Reply, Whose, respond
from medical_ai.assistant.schemas import ChatAnswer, ChatQuestion, Receipt, ToolUse, TriageRead
from medical_ai.assistant.triage import Triage, TriageLevel, assess
from medical_ai.audit import service as audit
from medical_ai.auth.permissions import Permission
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database, settings_of
from medical_ai.core.errors import NotFound
from medical_ai.core.zones import zone_of
from medical_ai.mcp_tools.service import get_registry
from medical_ai.patients.schemas import Basis
from medical_ai.tenancy import service as tenancy

EMBEDDED = "embedded"
STICKY_ADVICE = frozenset({TriageLevel.EMERGENCY, TriageLevel.URGENT})
"""Levels whose advice is said again with every later answer of the conversation."""

Emit = Callable[[str, BaseModel | list[BaseModel] | dict[str, Any]], None]


class Cancelled(Exception):
    """Whoever asked is gone; the rest of the work is not done."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn knows before it answers."""

    database: Database
    actor: Actor
    session_id: UUID
    patient_id: UUID | None
    zone: str | None
    whose: Whose
    told: str


def ask(
    database: Database,
    *,
    actor: Actor,
    question: ChatQuestion,
    emit: Emit = lambda _name, _data: None,
    cancelled: threading.Event | None = None,
) -> ChatAnswer:
    """Take one turn.

    `emit` hears `triage`, `tool`, `delta`, `citations` and `done` as they happen. Uses a
    transaction for the question, one for each tool, and one for the answer. Raises NotFound for
    somebody else's conversation or patient, and Cancelled when `cancelled` is set meanwhile.
    """
    actor.require(Permission.CHAT_USE)
    started = time.monotonic()
    turn, triage = _open_turn(database, actor, question)
    emit("triage", _read_triage(triage))
    used: list[ToolUse] = []

    def call_tool(name: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        if cancelled is not None and cancelled.is_set():
            raise Cancelled
        rows, use = _call_tool(turn, name, arguments)
        used.append(use)
        emit("tool", use)
        return rows

    reply = _reply(question.message, triage, turn, call_tool)
    for line in reply.text.splitlines(keepends=True):
        emit("delta", {"text": line})
    emit("citations", list(reply.citations))
    receipt = Receipt(
        responder=EMBEDDED,
        left_machine=False,
        elapsed_ms=round((time.monotonic() - started) * 1000),
        tools=used,
        told=turn.told,
    )
    answer = _save_answer(turn, triage, reply, receipt)
    emit("done", answer)
    return answer


def _open_turn(database: Database, actor: Actor, question: ChatQuestion) -> tuple[Turn, Triage]:
    """Save the question with how urgent it is, in one transaction.

    Whatever becomes of the answer, an emergency that was recognised stays so.
    """
    with database.unit_of_work() as session:
        opened = _conversation(session, actor, question)
        triage = assess(
            question.message,
            country=_country(session, actor, opened),
            floor=TriageLevel(opened.row.triage_level),
        )
        conversations.append_message(
            session, opened, author="user", content={"text": question.message}
        )
        opened.row.triage_level = triage.level.value
        told = ""
        if triage.level is TriageLevel.EMERGENCY and triage.rules:
            told = emergencies.record_emergency(session, actor=actor, opened=opened, triage=triage)
        patient = opened.patient
        turn = Turn(
            database=database,
            actor=actor,
            session_id=opened.row.id,
            patient_id=patient.id if patient else None,
            zone=patient.home_zone if patient else None,
            whose=Whose.OTHER if patient and patient.basis is not Basis.OWN else Whose.OWN,
            told=told,
        )
    return turn, triage


def _country(session: Session, actor: Actor, opened: OpenConversation) -> str | None:
    own = opened.patient.country if opened.patient else ""
    country = own or tenancy.get_hospital(session, actor.tenant_id).country
    return country or settings_of(session).default_country or None


def _conversation(session: Session, actor: Actor, question: ChatQuestion) -> OpenConversation:
    if question.session_id is None:
        return conversations.start_conversation(
            session, actor=actor, patient_id=question.patient_id
        )
    opened = conversations.open_conversation(
        session, actor=actor, session_id=question.session_id, to_write=True
    )
    if question.patient_id not in {None, opened.row.patient_id}:
        raise NotFound("This conversation is about another record.")
    return opened


def _reply(message: str, triage: Triage, turn: Turn, call_tool: CallTool) -> Reply:
    is_new = bool(triage.rules)  # without rules the level is what the conversation reached before
    if triage.level is TriageLevel.EMERGENCY and is_new:
        return Reply(triage.advice)  # nothing else may stand beside it
    zone = zone_of(turn.zone) if turn.zone else None
    reply = respond(message, zone=zone, call_tool=call_tool, whose=turn.whose)
    if triage.level is TriageLevel.NONE or not (is_new or triage.level in STICKY_ADVICE):
        return reply
    if is_new and not reply.citations:
        return Reply(triage.advice)  # the record has nothing to say to a complaint
    return Reply(f"{triage.advice}\n\n{reply.text}", reply.citations)


def _call_tool(
    turn: Turn, name: str, arguments: dict[str, Any]
) -> tuple[list[dict[str, Any]], ToolUse]:
    with turn.database.unit_of_work() as session:
        result = get_registry().call(
            session,
            actor=turn.actor,
            name=name,
            arguments=arguments | {"patient_id": turn.patient_id},
        )
    hidden = list(result.hidden_fields)
    return result.rows, ToolUse(name=name, rows=len(result.rows), hidden_fields=hidden)


def _save_answer(turn: Turn, triage: Triage, reply: Reply, receipt: Receipt) -> ChatAnswer:
    said = {
        "triage": _read_triage(triage),
        "citations": reply.citations,
        "receipt": receipt,
    }
    with turn.database.unit_of_work() as session:
        opened = conversations.open_conversation(
            session, actor=turn.actor, session_id=turn.session_id, to_write=True
        )
        audit.drop_views(session, opened.row.patient_id)  # the question was the look
        message_id = conversations.append_message(
            session, opened, author="assistant", content=said | {"text": reply.text}
        )
    return ChatAnswer(
        session_id=turn.session_id,
        message_id=message_id,
        reply=reply.text,
        triage=_read_triage(triage),
        citations=reply.citations,
        receipt=receipt,
    )


def _read_triage(triage: Triage) -> TriageRead:
    return TriageRead(
        level=triage.level.value,
        rules=list(triage.rules),
        advice=triage.advice,
        crisis=triage.crisis,
    )
