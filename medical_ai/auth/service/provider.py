"""Accounts of people who sign in at the identity provider.

An account is theirs by the provider's subject, never by an e-mail address alone: whoever finds a
local account under their address proves that it is theirs with its password first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import throttle, tokens
from medical_ai.auth.models import Membership, ProviderSignIn, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.provider.claims import ProviderPerson, hospital_of, narrowed
from medical_ai.auth.refusals import MfaRequired
from medical_ai.auth.schemas import Tokens
from medical_ai.auth.service.accounts import admit, find_user, normal_email
from medical_ai.auth.service.administrators import hold_administrators, is_last_administrator
from medical_ai.auth.service.factors import needs_second_factor
from medical_ai.auth.service.live import (
    Client,
    LiveAccount,
    Standing,
    account_without_session,
    may_sign_in,
)
from medical_ai.auth.service.provider_links import (
    SEALED,
    TAKEN,
    Proof,
    find_by_subject,
    keep_sign_in,
    wait_for_proof,
)
from medical_ai.auth.service.recent import PROVIDER, has_second_factor
from medical_ai.auth.service.role_permissions import GRANTED, within_ceiling
from medical_ai.auth.service.sessions import open_family, revoke_families
from medical_ai.auth.service.sign_in import begin_second_step
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, settings_of
from medical_ai.core.errors import PermissionDenied
from medical_ai.core.events import AccountCreated, StaffLeft, publish
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef

UNKNOWN = "There is no account for you here yet. Ask whoever runs this installation for one."
UNVERIFIED = (
    "Your e-mail address is not confirmed at the identity provider, so it proves nothing here."
    " Confirm it there and begin again, or sign in with your password."
)
WITHOUT_EMAIL = "The identity provider did not tell your e-mail address, which an account needs."
NOT_ASKED_FOR = (
    "This account has a second factor, and this installation does not count on the identity"
    " provider to ask for one. Sign in here instead."
)
UNUSABLE = "This account cannot be used here now. Ask whoever runs this installation."


class Refused(PermissionDenied):
    """The provider knows them, and they may still not come in; that is kept in the log."""

    keeps_work = True


# Asked with every such token, so it is built once.
_BEARERS = (
    select(
        User,
        Membership.role,
        Membership.hospital_id,
        GRANTED.label("granted"),
        has_second_factor().label("has_second_factor"),
    )
    .join(Membership, Membership.user_id == User.id)
    .where(Membership.suspended_at.is_(None))
    .order_by(Membership.created_at, Membership.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class ProviderBearer:
    """Who a token of the provider speaks for."""

    actor: Actor
    account: LiveAccount


def arrive(
    session: Session, *, person: ProviderPerson, id_token: str, client: Client
) -> Tokens | Proof | UUID:
    """Open a session for somebody whom the provider vouches for, or ask them for a proof.

    Where the account has a second factor and the provider is not trusted with asking for one,
    what waits for it is returned, as after a password. Raises Refused where there is no account for
    them, and TooManyRequests after too many new ones.
    """
    database = database_of(session)
    with database.reading() as reader:  # counting writes on its own, so nothing may be locked yet
        is_known = bool(find_by_subject(reader, person.subject) or find_user(reader, person.email))
    if not is_known and database.settings.oidc_sign_up:
        throttle.count_attempt(
            database,
            scope="sign-up",
            subject=throttle.network_of(client.address),
            limit=database.settings.signups_per_minute,
        )
    user = find_by_subject(session, person.subject)
    if user is None:
        local = find_user(session, person.email) if person.email else None
        if local is not None:
            return _await_proof_by_email(session, person, local, id_token)
        user = _sign_up(session, person)
    if not may_sign_in(user, settings_of(session)):
        raise _refused(session, UNUSABLE, user)
    standing = _standing(session, user, person)
    visit = keep_sign_in(session, user=user, person=person, id_token=id_token, family_id=None)
    if not database.settings.oidc_second_factor and needs_second_factor(session, user.id):
        return begin_second_step(session, standing, visit_id=visit.id)
    granted = open_family(session, standing, client, factors=PROVIDER)
    visit.family_id = tokens.family_of(granted.access_token)
    return granted


def find_provider_bearer(session: Session, *, claims: Mapping[str, Any]) -> ProviderBearer | None:
    """Return who an access token of the provider speaks for; None where nobody here is that.

    What they may do is decided here; the token can only narrow it. There is no session of ours
    behind it. Raises MfaRequired where the account has a second factor, which a token cannot show,
    and the provider is not trusted with asking for one.
    """
    settings = settings_of(session)
    query = _BEARERS.where(User.auth0_user_id == claims["sub"])
    if slug := hospital_of(claims, settings):
        hospital = tenancy.find_hospital(session, slug)
        query = query.where(Membership.hospital_id == (hospital.id if hospital else None))
    row = session.execute(query).one_or_none()
    if row is None or not may_sign_in(row[0], settings):
        return None
    user, role, hospital_id, granted, has_factor = row
    if has_factor and not settings.oidc_second_factor:
        raise MfaRequired(NOT_ASKED_FOR)
    held = within_ceiling(role, (granted or "").split(","))
    actor = Actor(
        user_id=user.id,
        tenant_id=hospital_id,
        role=role.value,
        permissions=narrowed(held, claims, settings),
        username=user.username,
        via="api",
    )
    account = account_without_session(
        session,
        user=user,
        role=role,
        hospital_id=hospital_id,
        held=held,
        has_factor=settings.oidc_second_factor,
    )
    return ProviderBearer(actor, account)


def find_sign_in(session: Session, *, family_id: UUID | None) -> UUID | None:
    """Return the id of the sign-in at the provider that a session came from, if it did."""
    if family_id is None:  # those that wait for a proof have none, either
        return None
    return session.scalar(select(ProviderSignIn.id).where(ProviderSignIn.family_id == family_id))


def find_id_token(session: Session, *, sign_in_id: UUID) -> str | None:
    """Return the id token of a sign-in at the provider, for signing out there."""
    row = session.get(ProviderSignIn, sign_in_id)
    if row is None:
        return None
    return database_of(session).keyring.open_text(row.id_token_sealed, *SEALED, row.id)


def _await_proof_by_email(
    session: Session, person: ProviderPerson, local: User, id_token: str
) -> Proof:
    if not person.email_is_verified:
        raise _refused(session, UNVERIFIED, local)
    if local.auth0_user_id is not None or not local.password_hash:
        raise _refused(session, TAKEN, local)
    return wait_for_proof(session, user=local, person=person, id_token=id_token)


def _sign_up(session: Session, person: ProviderPerson) -> User:
    settings = settings_of(session)
    if not settings.oidc_sign_up:
        raise _refused(session, UNKNOWN)
    if not person.email:
        raise _refused(session, WITHOUT_EMAIL)
    if settings.asks_for_verification == "required" and not person.email_is_verified:
        raise _refused(session, UNVERIFIED)
    hospital = _named_hospital(session, person.hospital or settings.oidc_hospital)
    user = User(
        id=new_id(),
        email=normal_email(person.email),
        username=person.name or person.email.partition("@")[0][:64],
        email_verified_at=clock.now() if person.email_is_verified else None,
        password_hash="",
        auth0_user_id=person.subject,
        timezone="UTC",
    )
    admit(session, user, hospital, person.role or Role.PATIENT)
    return user


def _standing(session: Session, user: User, person: ProviderPerson) -> Standing:
    """Return what they are in the hospital they come to, after the provider had its say."""
    membership = _membership_at(session, user, person)
    if membership is None and person.role is not None:
        membership = _join(session, user, person, person.role)
    if membership is None or membership.suspended_at is not None:
        raise _refused(session, UNUSABLE, user)
    if person.role not in (None, membership.role):
        _take_over(session, membership, Role(person.role))
    hospital = tenancy.get_hospital(session, membership.hospital_id)
    return Standing(user, hospital, membership.role)


def _membership_at(session: Session, user: User, person: ProviderPerson) -> Membership | None:
    theirs = select(Membership).where(Membership.user_id == user.id)
    if person.hospital:
        hospital = _named_hospital(session, person.hospital)
        return session.scalar(theirs.where(Membership.hospital_id == hospital.id))
    is_live = Membership.suspended_at.is_(None)
    return session.scalar(
        theirs.where(is_live).order_by(Membership.created_at, Membership.id).limit(1)
    )


def _join(session: Session, user: User, person: ProviderPerson, role: Role) -> Membership | None:
    if not person.hospital:
        return None  # all of theirs are suspended: the provider does not undo that
    hospital = _named_hospital(session, person.hospital)
    membership = Membership(user_id=user.id, hospital_id=hospital.id, role=role)
    session.add(membership)
    session.flush()
    publish(session, AccountCreated(user.id, hospital.id, role.value, user.timezone))
    _record_role(session, membership)
    return membership


def _take_over(session: Session, membership: Membership, role: Role) -> None:
    hold_administrators(session, [membership.hospital_id])
    if is_last_administrator(session, membership):
        return  # a slip at the provider must not leave a hospital without one
    membership.role = role
    session.flush()
    revoke_families(
        session,
        user_id=membership.user_id,
        because="role changed",
        hospital_id=membership.hospital_id,
    )
    if role is Role.PATIENT:
        publish(session, StaffLeft(membership.user_id, membership.hospital_id))
    _record_role(session, membership)


def _record_role(session: Session, membership: Membership) -> None:
    audit.record(
        session,
        tag=AuditTag.PROVIDER_ROLE_TAKEN_OVER,
        user_id=membership.user_id,
        hospital_id=membership.hospital_id,
        subject=("membership", membership.id),
        details={"role": membership.role.value},
    )


def _named_hospital(session: Session, slug: str) -> HospitalRef:
    if not slug:
        return tenancy.ensure_default_hospital(session)
    found = tenancy.find_hospital(session, slug)
    if found is None:
        raise _refused(session, UNUSABLE)
    return found


def _refused(session: Session, detail: str, user: User | None = None) -> Refused:
    audit.record(session, tag=AuditTag.ACCOUNT_SIGN_IN_FAILED, user_id=user.id if user else None)
    return Refused(detail)
