"""What counts as unusual access: rules as data, each with its reason."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core import clock

OWN, WARD, BREAK_GLASS = "own", "ward", "break-glass"
PATIENT_ROLE = "patient"
HOUR = timedelta(hours=1)
NIGHT_HOURS = range(5)
"""From midnight to five on the person's own clock."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is named: whoever reaches `threshold` events, or patients, within `window`.

    An empty `tags` or `bases` means any; `bases_aside` do not count. `at_night` asks for the rule
    only while it is night where the person is.
    """

    name: str
    title: str
    reason: str
    window: timedelta
    threshold: int
    counts_patients: bool = False
    tags: frozenset[AuditTag] = frozenset()
    bases: frozenset[str] = frozenset()
    bases_aside: frozenset[str] = frozenset()
    staff_only: bool = False
    at_night: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Somebody met a rule; `count` is what was counted."""

    rule: Rule
    user_id: UUID
    hospital_id: UUID
    count: int


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "many-patients",
            "Opened the records of many patients within an hour",
            "A ward round sees some twenty patients in an hour. Twice that is a search.",
            HOUR,
            40,
            counts_patients=True,
            bases_aside=frozenset({OWN}),
            staff_only=True,
        ),
        Rule(
            "many-refusals",
            "Was refused many times within an hour",
            "A mistyped address or an old link gives a few refusals. More is trying doors.",
            HOUR,
            20,
            tags=frozenset({AuditTag.ACCESS_REFUSED}),
        ),
        Rule(
            "night-access",
            "Opened the records of several patients at night, not on a ward of theirs",
            "Nights are for wards and emergencies; those have a basis of their own.",
            HOUR,
            5,
            counts_patients=True,
            bases_aside=frozenset({OWN, WARD, BREAK_GLASS}),
            staff_only=True,
            at_night=True,
        ),
        Rule(
            "break-glass",
            "Opened a record in an emergency, outside the care team",
            "Rare, and never without somebody else looking at it afterwards.",
            HOUR,
            1,
            bases=frozenset({BREAK_GLASS}),
        ),
        Rule(
            "failed-sign-ins",
            "Many failed sign-ins on one account",
            "Somebody who forgot a password gives up or resets it after a few.",
            timedelta(minutes=15),
            8,
            tags=frozenset({AuditTag.ACCOUNT_SIGN_IN_FAILED}),
        ),
    )
}


def find_unusual(session: Session) -> list[Finding]:
    """Return who meets a rule at this moment and is not alarmed about within its window."""
    recent = _recent_alarms(session)
    return [
        found
        for rule in RULES.values()
        for found in _find(session, rule)
        if (rule.name, found.user_id) not in recent
    ]


def _find(session: Session, rule: Rule) -> list[Finding]:
    patients, events = func.count(AuditEvent.patient_id.distinct()), func.count()
    counted = (patients if rule.counts_patients else events).label("counted")
    query = (
        select(AuditEvent.actor_user_id, AuditEvent.hospital_id, counted)
        .where(AuditEvent.at >= clock.now() - rule.window, *_conditions(rule))
        .group_by(AuditEvent.actor_user_id, AuditEvent.hospital_id)
        .having(counted >= rule.threshold)
    )
    return [
        Finding(rule, row.actor_user_id, row.hospital_id, row.counted)
        for row in session.execute(query)
    ]


def _conditions(rule: Rule) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        AuditEvent.actor_user_id.is_not(None),
        AuditEvent.hospital_id.is_not(None),
    ]
    if rule.tags:
        wanted.append(AuditEvent.tag.in_([tag.value for tag in rule.tags]))
    else:
        wanted.append(AuditEvent.tag != AuditTag.ACCESS_REFUSED.value)
    if rule.bases:
        wanted.append(AuditEvent.basis.in_(rule.bases))
    if rule.bases_aside:
        wanted.append(AuditEvent.basis.not_in(rule.bases_aside))
    if rule.staff_only:
        wanted.append(AuditEvent.actor_role.not_in(("", PATIENT_ROLE)))
    return wanted


def _recent_alarms(session: Session) -> set[tuple[str, UUID]]:
    longest = max(rule.window for rule in RULES.values())
    rows = session.execute(
        select(AuditEvent.subject_id, AuditEvent.details, AuditEvent.at).where(
            AuditEvent.tag == AuditTag.AUDIT_ALARM.value, AuditEvent.at >= clock.now() - longest
        )
    )
    return {
        (row.details["rule"], row.subject_id)
        for row in rows
        if row.subject_id is not None
        and row.details.get("rule") in RULES
        and row.at >= clock.now() - RULES[row.details["rule"]].window
    }
