"""Caregivers: a patient invites somebody, says how far it goes, and takes it back.

The door asks for the consent on every request, so what is taken back here is gone with the next
one. Access itself is decided in `patients.access` and nowhere else.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound, TooManyRequests
from medical_ai.core.ids import new_id
from medical_ai.core.zones import zone_of
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import links
from medical_ai.patients import service as patients
from medical_ai.patients.access import is_in_force
from medical_ai.patients.care_schemas import (
    CaregiverInvite,
    CaregiverInvited,
    CaregiverRead,
    CaregiverUpdate,
    InvitationRead,
)
from medical_ai.patients.consent import (
    Alarm,
    alarms_in,
    needle,
    packed,
    permissions_for,
    shares_in,
    unpacked,
)
from medical_ai.patients.models import Caregiver
from medical_ai.patients.schemas import CareKind, CareStatus, PatientRef

INVITATION_LIFE = timedelta(days=7)
INVITED_A_DAY = 10
MAX_LISTED = 100
ALL_DAY = timedelta(days=1)
OPEN = (CareStatus.INVITED, CareStatus.ACTIVE)
GONE = "This invitation was taken back, or is too old. Ask for a new one."


def invite_caregiver(session: Session, *, actor: Actor, data: CaregiverInvite) -> CaregiverInvited:
    """Invite somebody to look after the actor; nothing opens before they accept.

    Raises TooManyRequests after ten invitations in a day, whatever became of them.
    """
    patient = patients.get_own_patient(session, actor, Permission.CARE_SHARE)
    _count_invitations(session, patient)
    caregiver_id = new_id()
    row = Caregiver(
        id=caregiver_id,
        hospital_id=patient.hospital_id,
        patient_id=patient.id,
        kind=CareKind.CAREGIVER,
        status=CareStatus.INVITED,
        permissions=packed(permissions_for(data.shares)),
        alarms=packed(data.alarms),
        email_sealed=patient.vault.seal_text(data.email, "caregivers", "email", caregiver_id),
        ends_at=end_of(patient, data.ends_on),
    )
    session.add(row)
    session.flush()
    link = links.send_or_spell(
        session,
        purpose=OneTimePurpose.CAREGIVER_INVITATION,
        email=auth.normal_email(data.email),
        life=INVITATION_LIFE,
        user_id=actor.user_id,
        subject_id=caregiver_id,
    )
    _record(session, actor, AuditTag.CAREGIVER_INVITED, row)
    return CaregiverInvited(**_read(row, patient, {}).model_dump(), link=link)


def list_caregivers(session: Session, *, actor: Actor) -> list[CaregiverRead]:
    """Return whom the actor invited and who accepted, the latest first; ended ones are left out."""
    patient = patients.get_own_patient(session, actor, Permission.CARE_SHARE)
    rows = list_rows(session, patient, OPEN)
    accounts = auth.list_accounts(session, {row.user_id for row in rows if row.user_id})
    return [_read(row, patient, accounts) for row in rows]


def get_caregiver(session: Session, *, actor: Actor, caregiver_id: UUID) -> CaregiverRead:
    """Return one of the actor's caregivers. Raises NotFound for anybody else's."""
    patient = patients.get_own_patient(session, actor, Permission.CARE_SHARE)
    row = _get_own(session, patient, caregiver_id)
    accounts = auth.list_accounts(session, {row.user_id} if row.user_id else set())
    return _read(row, patient, accounts)


def change_consent(
    session: Session, *, actor: Actor, caregiver_id: UUID, data: CaregiverUpdate
) -> CaregiverRead:
    """Change what a caregiver may do, from their next request on. Raises NotFound."""
    patient = patients.get_own_patient(session, actor, Permission.CARE_SHARE)
    row = _get_own(session, patient, caregiver_id)
    if data.shares is not None:
        row.permissions = packed(permissions_for(data.shares))
    if data.alarms is not None:
        row.alarms = packed(data.alarms)
    if "ends_on" in data.model_fields_set:
        row.ends_at = end_of(patient, data.ends_on)
    session.flush()
    _record(session, actor, AuditTag.CAREGIVER_CHANGED, row)
    accounts = auth.list_accounts(session, {row.user_id} if row.user_id else set())
    return _read(row, patient, accounts)


def withdraw_consent(session: Session, *, actor: Actor, caregiver_id: UUID) -> None:
    """End what a caregiver may do, at once. The caregiver can do the same.

    Raises NotFound for anybody else's.
    """
    row = session.scalar(
        select(Caregiver).where(
            Caregiver.id == caregiver_id,
            Caregiver.hospital_id == actor.tenant_id,
            Caregiver.kind == CareKind.CAREGIVER,
            Caregiver.status.in_(OPEN),
        )
    )
    if row is None:
        actor.require(Permission.CARE_SHARE)
        raise NotFound
    if row.user_id != actor.user_id:
        patient = patients.get_own_patient(session, actor, Permission.CARE_SHARE)
        if row.patient_id != patient.id:
            raise NotFound
    end(session, row)
    _record(session, actor, AuditTag.CAREGIVER_WITHDRAWN, row)
    if row.user_id not in {None, actor.user_id}:
        _tell(session, row.user_id, row, NoticeKind.CARE_ENDED)


def get_invitation(session: Session, *, token: str) -> InvitationRead:
    """Return who asks and what for. The token is the proof; nothing is used up by looking."""
    row, patient = _invited(session, token)
    inviter = auth.list_accounts(session, {patient.user_id} if patient.user_id else set())
    return InvitationRead(
        asked_by=next((one.username for one in inviter.values()), patient.code),
        shares=shares_in(unpacked(row.permissions)),
        alarms=alarms_in(unpacked(row.alarms)),
        ends_on=last_day(row, patient),
    )


def accept_invitation(session: Session, *, actor: Actor, token: str) -> PatientRef:
    """Look after whoever asked; return whose record it is.

    The account need not have the invited address: the patient reads who accepted. Raises NotFound
    for a link that is over, and Conflict for one's own invitation or an account of staff.
    """
    actor.require(Permission.CARE_SHARE)
    row, patient = _invited(session, token)
    if patient.user_id == actor.user_id:
        raise Conflict("This is your own invitation. It is for somebody else to accept.")
    auth.join_as_patient(session, user_id=actor.user_id, hospital_id=patient.hospital_id)
    auth.redeem_token(session, purpose=OneTimePurpose.CAREGIVER_INVITATION, token=token)
    _end_earlier(session, row, actor.user_id)
    row.user_id, row.status, row.answered_at = actor.user_id, CareStatus.ACTIVE, clock.now()
    session.flush()
    _record(session, actor, AuditTag.CAREGIVER_ACCEPTED, row)
    if patient.user_id is not None:
        _tell(session, patient.user_id, row, NoticeKind.CAREGIVER_ACCEPTED)
    return patient


def decline_invitation(session: Session, *, token: str) -> None:
    """Say no; whoever holds the link may. Raises NotFound for a link that is over."""
    row, patient = _invited(session, token)
    auth.redeem_token(session, purpose=OneTimePurpose.CAREGIVER_INVITATION, token=token)
    row.status, row.answered_at = CareStatus.DECLINED, clock.now()
    audit.record(
        session,
        tag=AuditTag.CAREGIVER_DECLINED,
        hospital_id=row.hospital_id,
        patient_id=row.patient_id,
        subject=("caregiver", row.id),
    )
    if patient.user_id is not None:
        _tell(session, patient.user_id, row, NoticeKind.CAREGIVER_DECLINED)


def list_alarmed(session: Session, *, patient_id: UUID, alarm: Alarm) -> list[UUID]:
    """Return the accounts that this alarm about a patient reaches now, for the house's own work.

    A proxy hears every alarm; a caregiver those that the patient chose. It reaches whom the record
    would open to: nobody whose time is over, or whose account is suspended or gone.
    """
    reached = session.scalars(
        select(Caregiver.user_id)
        .where(
            Caregiver.patient_id == patient_id,
            is_in_force(),
            auth.acts_as_patient(Caregiver.user_id, Caregiver.hospital_id),
            or_(
                Caregiver.kind == CareKind.PROXY,
                Caregiver.alarms.contains(needle(alarm), autoescape=True),
            ),
        )
        .order_by(Caregiver.created_at, Caregiver.id)
    )
    return list(dict.fromkeys(user_id for user_id in reached if user_id is not None))


def list_rows(
    session: Session, patient: PatientRef, statuses: tuple[CareStatus, ...]
) -> list[Caregiver]:
    """Return a patient's caregivers in these states, the latest first."""
    return list(
        session.scalars(
            select(Caregiver)
            .where(Caregiver.patient_id == patient.id, Caregiver.status.in_(statuses))
            .order_by(Caregiver.created_at.desc(), Caregiver.id.desc())
            .limit(MAX_LISTED)
        )
    )


def end(session: Session, row: Caregiver) -> None:
    """End a relationship; what it was stays for the record."""
    row.status, row.ended_at = CareStatus.ENDED, clock.now()
    session.flush()


def end_of(patient: PatientRef, last: date | None) -> datetime | None:
    """Return the moment a last day is over on the patient's clock. Raises InvalidInput."""
    if last is None:
        return None
    zone = zone_of(patient.home_zone)
    if last < clock.now().astimezone(zone).date():
        raise InvalidInput(fields=(FieldProblem("ends_on", "This day is already over."),))
    try:
        midnight = datetime.combine(last + ALL_DAY, time.min, tzinfo=zone)
        return midnight.astimezone(clock.now().tzinfo)
    except OverflowError:
        wrong = FieldProblem("ends_on", "This day is too far away.")
        raise InvalidInput(fields=(wrong,)) from None


def last_day(row: Caregiver, patient: PatientRef) -> date | None:
    """Return the last day of a relationship on the patient's clock."""
    if row.ends_at is None:
        return None
    return (row.ends_at - timedelta(seconds=1)).astimezone(zone_of(patient.home_zone)).date()


def open_sealed(row: Caregiver, patient: PatientRef, column: str) -> str | None:
    """Open one sealed column of a relationship."""
    sealed = getattr(row, f"{column}_sealed")
    return sealed and patient.vault.open_text(sealed, "caregivers", column, row.id)


def _count_invitations(session: Session, patient: PatientRef) -> None:
    # Withdrawn ones count as well: an invitation is a mail to an address of the caller's choice.
    invited = session.scalar(
        select(func.count()).where(
            Caregiver.patient_id == patient.id,
            Caregiver.kind == CareKind.CAREGIVER,
            Caregiver.created_at > clock.now() - ALL_DAY,
        )
    )
    if (invited or 0) >= INVITED_A_DAY:
        raise TooManyRequests(
            f"You can invite {INVITED_A_DAY} people a day.", retry_after_seconds=3600
        )


def _get_own(session: Session, patient: PatientRef, caregiver_id: UUID) -> Caregiver:
    row = session.scalar(
        select(Caregiver).where(
            Caregiver.id == caregiver_id,
            Caregiver.patient_id == patient.id,
            Caregiver.kind == CareKind.CAREGIVER,
            Caregiver.status.in_(OPEN),
        )
    )
    if row is None:
        raise NotFound
    return row


def _invited(session: Session, token: str) -> tuple[Caregiver, PatientRef]:
    found = auth.find_token(session, purpose=OneTimePurpose.CAREGIVER_INVITATION, token=token)
    row = session.get(Caregiver, found.subject_id, with_for_update=True) if found else None
    if row is None or row.status is not CareStatus.INVITED:
        raise NotFound(GONE)
    if row.ends_at is not None and row.ends_at <= clock.now():
        raise NotFound(GONE)
    return row, patients.get_patient(session, row.patient_id)


def _end_earlier(session: Session, row: Caregiver, user_id: UUID) -> None:
    # The same person invited a second time: the newer consent is the one that counts.
    earlier = session.scalars(
        select(Caregiver).where(
            Caregiver.patient_id == row.patient_id,
            Caregiver.user_id == user_id,
            Caregiver.kind == CareKind.CAREGIVER,
            Caregiver.status == CareStatus.ACTIVE,
        )
    ).all()
    for one in earlier:
        end(session, one)


def _read(
    row: Caregiver, patient: PatientRef, accounts: dict[UUID, auth.AccountRef]
) -> CaregiverRead:
    account = accounts.get(row.user_id) if row.user_id else None
    return CaregiverRead(
        id=row.id,
        kind=row.kind,
        status=row.status,
        email=open_sealed(row, patient, "email"),
        name=account and account.username,
        account=account and account.email,
        shares=shares_in(unpacked(row.permissions)),
        alarms=alarms_in(unpacked(row.alarms)),
        ends_on=last_day(row, patient),
        created_at=row.created_at,
        answered_at=row.answered_at,
        is_over=row.ends_at is not None and row.ends_at <= clock.now(),
    )


def _record(session: Session, actor: Actor, tag: AuditTag, row: Caregiver) -> None:
    audit.record(
        session,
        tag=tag,
        actor=actor,
        patient_id=row.patient_id,
        subject=("caregiver", row.id),
        details={"permissions": sorted(unpacked(row.permissions))},
    )


def _tell(session: Session, user_id: UUID | None, row: Caregiver, kind: NoticeKind) -> None:
    if user_id is not None:
        notifications.tell(
            session, user_id=user_id, hospital_id=row.hospital_id, kind=kind, subject_id=row.id
        )
