"""In-process domain events: how a lower package tells upper ones without importing them.

Handlers run at once, in the publisher's session and transaction; whatever must survive on its own
belongs in the outbox instead. Subscriptions are made in `bootstrap` and nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.core.actor import Actor

Event = TypeVar("Event")

_handlers: dict[type, list[Callable[[Session, Any], None]]] = {}


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """Somebody has an account now; `role` is their role in the hospital."""

    user_id: UUID
    hospital_id: UUID
    role: str
    timezone: str


@dataclass(frozen=True, slots=True)
class HospitalCreated:
    """There is a hospital more."""

    hospital_id: UUID


@dataclass(frozen=True, slots=True)
class StaffLeft:
    """Somebody does not work in a hospital any more."""

    user_id: UUID
    hospital_id: UUID


@dataclass(frozen=True, slots=True)
class WardClosing:
    """A ward is about to be closed; who needs it open raises Conflict."""

    hospital_id: UUID
    ward_id: UUID


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """Something about an account changed that its owner must hear of; `kind` is a NoticeKind.

    The mail goes to the account's address, whichever that is by then, or to `email`.
    """

    user_id: UUID
    hospital_id: UUID
    kind: str
    subject_id: UUID
    email: str | None = None


@dataclass(frozen=True, slots=True)
class ZoneChanged:
    """The owner of an account lives by another clock now."""

    user_id: UUID
    timezone: str


@dataclass(frozen=True, slots=True)
class RecordReplaced:
    """An account is about to let its record go; whoever keeps something in it raises Conflict."""

    patient_id: UUID


@dataclass(frozen=True, slots=True)
class AccessRefused:
    """Somebody asked for what is not there, or not theirs; `subject_id` is what they named."""

    actor: Actor
    endpoint: str
    subject_id: UUID | None


def subscribe(kind: type[Event], handler: Callable[[Session, Event], None]) -> None:
    """Call `handler` for every event of this kind; subscribing twice counts once."""
    handlers = _handlers.setdefault(kind, [])
    if handler not in handlers:
        handlers.append(handler)


def publish(session: Session, event: object) -> None:
    """Tell the subscribers; an error in one of them is the publisher's error."""
    for handler in _handlers.get(type(event), ()):
        handler(session, event)
