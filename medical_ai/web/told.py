"""What a notice says beyond its words: who, until when, about whom. Only to whom it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.zones import zone_of
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind, NoticeRef
from medical_ai.notifications.wording import WORDINGS, Wording
from medical_ai.patients import break_glass, care_team, people
from medical_ai.patients.alarms import NOTICES

PRESSING = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """One more sentence, and the page it leads to where that is another one."""

    sentence: str
    page: str = ""


def more_about(
    session: Session, *, actor: Actor, notices: Iterable[NoticeRef], zone: str
) -> dict[UUID, Told]:
    """Return what more there is to say, by the row that a notice is about."""
    notices = list(notices)
    told: dict[UUID, Told] = {}
    if _about(notices, NoticeKind.BREAK_GLASS_OPENED):
        for one in break_glass.list_own_openings(session, actor=actor):
            until = one.until.astimezone(zone_of(zone)).strftime("%-d %B, %H:%M")
            told[one.id] = Told(f"It was {one.opened_by}, until {until}.")
    codes = care_team.find_codes(
        session, actor=actor, care_ids=_about(notices, NoticeKind.CARE_OBJECTED)
    )
    for care_id, code in codes.items():
        told[care_id] = Told(f"It is patient {code}.", f"/app/patients/{code}/care-team")
    if any(_about(notices, kind) for kind in NOTICES.values()):
        told |= _people(session, actor)
    return told


def list_alarms(session: Session, *, actor: Actor) -> list[tuple[NoticeRef, Wording, Told | None]]:
    """Return what befell somebody the actor looks after in the last day, until it is read."""
    since = clock.now() - PRESSING
    unread = notifications.list_notices(session, actor=actor, unread_only=True, since=since)
    pressing = [one for one in unread if one.kind in NOTICES.values()]
    whose = _people(session, actor) if pressing else {}
    return [(one, WORDINGS[one.kind], whose.get(one.subject_id)) for one in pressing]


def _people(session: Session, actor: Actor) -> dict[UUID, Told]:
    # Only whom the actor looks after at this moment; who works here by now asks as staff.
    if not actor.may(Permission.CARE_SHARE):
        return {}
    return {
        one.patient_id: Told(f"It is about {one.name}.", f"/app/people/{one.code}")
        for one in people.list_people(session, actor=actor)
    }


def _about(notices: list[NoticeRef], kind: NoticeKind) -> list[UUID]:
    return [one.subject_id for one in notices if one.kind is kind]
