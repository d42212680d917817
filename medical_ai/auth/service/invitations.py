"""Inviting somebody to work in a hospital, and taking the invitation up.

An administrator learns nothing of whether an address has an account: the invitation is made and
answered in the same way. Whoever holds its link is asked to sign in where there is one.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import throttle
from medical_ai.auth.models import Membership, StaffInvitation, User
from medical_ai.auth.permissions import Permission, Role
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.schemas import SignUp, Tokens
from medical_ai.auth.service import one_time
from medical_ai.auth.service.accounts import create_staff_account, find_user, normal_email
from medical_ai.auth.service.live import Client, Standing
from medical_ai.auth.service.sessions import open_family, switch_hospital
from medical_ai.auth.service.staff import put_on_wards, require_open_wards
from medical_ai.auth.staff_schemas import (
    InvitationAccept,
    InvitationCreate,
    InvitationCreated,
    InvitationOpened,
    InvitationRead,
    WardBrief,
)
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, integrity_as, settings_of
from medical_ai.core.errors import Conflict, InvalidInput, NotFound
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy import wards

LIFE = timedelta(days=7)
MOST_OPEN = 200
PAGE = "/app/invitations/staff"
PURPOSE = OneTimePurpose.STAFF_INVITATION
HAS_ACCOUNT = "There is an account with this address. Sign in, then open the invitation again."
OTHER_ADDRESS = (
    "This invitation was sent to another address than yours. Sign out, then sign in with that one."
)
IS_PATIENT = (
    "Your account is a patient's in this hospital. Ask for an invitation to an address you use for"
    " work, so that the two stay apart."
)


def invite(session: Session, *, actor: Actor, data: InvitationCreate) -> InvitationCreated:
    """Invite somebody onto the staff; an earlier invitation of theirs ends.

    Raises Conflict for somebody who is on the staff already.
    """
    actor.require(Permission.STAFF_MANAGE)
    return _invite(session, data, hospital_id=actor.tenant_id, actor=actor)


def invite_administrator(
    session: Session, *, slug: str, email: str, by_hand: bool = False
) -> InvitationCreated:
    """Invite somebody to administer a hospital: the operator's way to its first administrator.

    With `by_hand` the operator gets the link even where a mail server is configured.
    Raises NotFound without such a hospital, InvalidInput for what is no address, and Conflict for
    somebody who is on its staff already.
    """
    hospital = tenancy.find_hospital(session, slug)
    if hospital is None:
        raise NotFound("There is no hospital with this short name.")
    try:
        data = InvitationCreate(email=email, role=Role.ADMINISTRATOR)
    except ValidationError:
        raise InvalidInput("This is no e-mail address.") from None
    return _invite(session, data, hospital_id=hospital.id, by_hand=by_hand)


def list_invitations(session: Session, *, actor: Actor) -> list[InvitationRead]:
    """Return the invitations of the actor's hospital that wait for an answer, newest first."""
    actor.require(Permission.STAFF_MANAGE)
    return _read(session, _waiting(session, actor.tenant_id))


def withdraw_invitation(session: Session, *, actor: Actor, invitation_id: UUID) -> None:
    """Take an invitation back: its link is dead at once. Raises NotFound."""
    actor.require(Permission.STAFF_MANAGE)
    waiting = _waiting(session, actor.tenant_id)
    invitation = next((one for one in waiting if one.id == invitation_id), None)
    if invitation is None:
        raise NotFound
    _withdraw(session, invitation)
    _record(session, actor, AuditTag.STAFF_INVITATION_WITHDRAWN, invitation)


def look_at_invitation(session: Session, *, token: str) -> InvitationOpened:
    """Return what an invitation offers to whoever holds its link. Raises NotFound."""
    invitation = _find(session, token)
    return InvitationOpened(
        hospital=tenancy.get_hospital(session, invitation.hospital_id).name,
        role=invitation.role.value,
        email=invitation.email,
        has_account=find_user(session, invitation.email) is not None,
    )


def accept_invitation(session: Session, *, actor: Actor, token: str) -> Tokens:
    """Add what the invitation offers to the actor's account, and take their session there.

    Raises NotFound for a link that does not hold, and Conflict where it is not for this account.
    """
    invitation = _find(session, token)
    user = session.get_one(User, actor.user_id)
    if user.email != invitation.email:
        raise Conflict(OTHER_ADDRESS)
    _require_no_membership(session, user, invitation.hospital_id)
    one_time.redeem_token(session, purpose=PURPOSE, token=token)
    member = Membership(user_id=user.id, hospital_id=invitation.hospital_id, role=invitation.role)
    with integrity_as(session, Conflict("You work here already.")):
        session.add(member)
    _join(session, invitation, member)
    return switch_hospital(session, actor=actor, hospital_id=invitation.hospital_id)


def accept_as_newcomer(
    session: Session, *, token: str, data: InvitationAccept, client: Client
) -> Tokens:
    """Create the account that an invitation is for, and sign it in.

    Raises NotFound for a link that does not hold, Conflict where the address has an account, and
    TooManyRequests for too many new accounts from one address.
    """
    database = database_of(session)
    throttle.count_attempt(
        database,
        scope="sign-up",
        subject=throttle.network_of(client.address),
        limit=database.settings.signups_per_minute,
    )
    with database.reading() as reader:  # the hash below must not hold the write lock
        found = _find(reader, token)
        hospital = tenancy.get_hospital(reader, found.hospital_id)
        if find_user(reader, found.email) is not None:
            raise Conflict(HAS_ACCOUNT)
    account = SignUp(
        email=found.email,
        username=data.username,
        password=data.password,
        timezone=data.timezone,
    )
    user = create_staff_account(
        session,
        data=account,
        hospital=hospital,
        role=found.role,
        is_verified=bool(found.details["is_mailed"]),
    )
    one_time.redeem_token(session, purpose=PURPOSE, token=token)  # decides who came first
    invitation = session.get_one(StaffInvitation, found.id)
    member = session.scalars(select(Membership).where(Membership.user_id == user.id)).one()
    _join(session, invitation, member)
    return open_family(session, Standing(user, hospital, invitation.role), client)


def _invite(
    session: Session,
    data: InvitationCreate,
    *,
    hospital_id: UUID,
    actor: Actor | None = None,
    by_hand: bool = False,
) -> InvitationCreated:
    email = normal_email(data.email)
    require_open_wards(session, hospital_id, data.wards)
    _require_not_staff(session, hospital_id, email)
    waiting = _waiting(session, hospital_id)
    earlier = [one for one in waiting if one.email == email]
    if len(waiting) - len(earlier) >= MOST_OPEN:
        raise Conflict(f"At most {MOST_OPEN} invitations can wait at a time. Withdraw some first.")
    for one in earlier:
        _withdraw(session, one)
    is_mailed = bool(settings_of(session).smtp_host) and not by_hand
    now = clock.now()
    invitation = StaffInvitation(
        hospital_id=hospital_id,
        email=email,
        role=data.role,
        details={"wards": sorted({str(one) for one in data.wards}), "is_mailed": is_mailed},
        invited_by=actor.user_id if actor else None,
        created_at=now,
        expires_at=now + LIFE,
    )
    session.add(invitation)
    session.flush()
    link = _send(session, invitation, by_hand=by_hand)
    _record(session, actor, AuditTag.STAFF_INVITED, invitation)
    read = _read(session, [invitation])[0]
    return InvitationCreated(**dict(read), is_mailed=is_mailed, link=link)


def _send(session: Session, invitation: StaffInvitation, *, by_hand: bool) -> str | None:
    token_id = one_time.issue_token(
        session, purpose=PURPOSE, email=invitation.email, life=LIFE, subject_id=invitation.id
    )
    if not by_hand and one_time.mail_token(session, token_id):
        return None
    settings = settings_of(session)
    token = one_time.spell_token(settings, PURPOSE, token_id)
    return f"{settings.public_url.rstrip('/')}{PAGE}#{token}"


def _find(session: Session, token: str) -> StaffInvitation:
    held = one_time.find_token(session, purpose=PURPOSE, token=token)
    invitation = held and held.subject_id and session.get(StaffInvitation, held.subject_id)
    if not invitation or invitation.accepted_at or invitation.withdrawn_at:
        raise NotFound(one_time.SPENT)
    return invitation


def _join(session: Session, invitation: StaffInvitation, member: Membership) -> None:
    invitation.accepted_at = clock.now()
    # A ward that was closed meanwhile is left out.
    still_open = wards.find_open_wards(
        session,
        hospital_id=invitation.hospital_id,
        ward_ids=[UUID(one) for one in invitation.details["wards"]],
    )
    session.flush()
    put_on_wards(session, member, still_open)
    audit.record(
        session,
        tag=AuditTag.STAFF_JOINED,
        user_id=member.user_id,
        hospital_id=member.hospital_id,
        subject=("membership", member.id),
        details={"role": member.role.value, "invitation_id": str(invitation.id)},
    )


def _require_not_staff(session: Session, hospital_id: UUID, email: str) -> None:
    # Only what the staff list shows anyhow: a patient's address is answered like an unknown one.
    found = session.scalar(
        select(func.count(Membership.id))
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.hospital_id == hospital_id,
            Membership.role != Role.PATIENT,
            User.email == email,
        )
    )
    if found:
        raise Conflict("This address is on the staff list already.")


def _require_no_membership(session: Session, user: User, hospital_id: UUID) -> None:
    role = session.scalar(
        select(Membership.role).where(
            Membership.user_id == user.id, Membership.hospital_id == hospital_id
        )
    )
    if role is Role.PATIENT:
        raise Conflict(IS_PATIENT)
    if role is not None:
        raise Conflict("You work here already.")


def _waiting(session: Session, hospital_id: UUID) -> list[StaffInvitation]:
    wanted = (
        select(StaffInvitation)
        .where(
            StaffInvitation.hospital_id == hospital_id,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
            StaffInvitation.expires_at > clock.now(),
        )
        .order_by(StaffInvitation.id.desc())
    )
    return list(session.scalars(wanted))


def _withdraw(session: Session, invitation: StaffInvitation) -> None:
    invitation.withdrawn_at = clock.now()
    one_time.spend_tokens(session, purpose=PURPOSE, subject_id=invitation.id)


def _read(session: Session, invitations: Sequence[StaffInvitation]) -> list[InvitationRead]:
    if not invitations:
        return []
    known = wards.list_wards(session, hospital_id=invitations[0].hospital_id)
    return [
        InvitationRead(
            id=one.id,
            email=one.email,
            role=one.role.value,
            wards=[
                WardBrief(id=ward.id, name=ward.name)
                for ward in known
                if str(ward.id) in one.details["wards"]
            ],
            created_at=one.created_at,
            expires_at=one.expires_at,
        )
        for one in invitations
    ]


def _record(
    session: Session, actor: Actor | None, tag: AuditTag, invitation: StaffInvitation
) -> None:
    audit.record(
        session,
        actor=actor,
        tag=tag,
        hospital_id=invitation.hospital_id,
        subject=("staff_invitation", invitation.id),
        details={"role": invitation.role.value},
    )
