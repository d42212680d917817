"""The second factors of an account together: state, proof, changes, and an administrator's reset.

Every change asks for a recent proof, ends the other sessions, tells the owner and leaves an event.
"""

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import otp, passwords, throttle
from medical_ai.auth.models import Membership, Passkey, TotpFactor, User
from medical_ai.auth.permissions import Permission, Role
from medical_ai.auth.refusals import WrongProof
from medical_ai.auth.schemas import FactorsRead, Proof
from medical_ai.auth.service import recovery, totp
from medical_ai.auth.service.accounts import normal_email
from medical_ai.auth.service.changes import security_changed
from medical_ai.auth.service.recent import (
    PASSWORD,
    PROVIDER_ONLY,
    has_second_factor,
    note_proof,
    require_recent,
    strengthen,
)
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, rows_changed, settings_of
from medical_ai.core.errors import Conflict, NotFound, PermissionDenied
from medical_ai.core.events import AccountNotice, publish

FEW = 3
TOTP, RECOVERY = "totp", "recovery-code"
NO_FACTOR = "Set up an authenticator app or a passkey first."
NOT_THEIRS = "Somebody else must reset it: nobody resets their own."


def get_factors(session: Session, *, actor: Actor) -> FactorsRead:
    """Return which second factors the actor has."""
    count = select(func.count(Passkey.id)).where(Passkey.user_id == actor.user_id)
    return FactorsRead(
        totp=totp.has_totp(session, actor.user_id),
        passkeys=session.scalar(count) or 0,
        recovery_codes_left=recovery.count_codes(session, actor.user_id),
        is_required=actor.role in settings_of(session).second_factor_roles,
    )


def needs_second_factor(session: Session, user_id: UUID) -> bool:
    """Tell whether signing in to an account takes more than its password."""
    return bool(session.scalar(select(has_second_factor()).where(User.id == user_id)))


def accept_otp(session: Session, *, user_id: UUID, hospital_id: UUID, code: str) -> str | None:
    """Use up a code of the app or a recovery code; return which it was, None when it is wrong.

    Raises TooManyRequests. Whoever refuses a wrong code must raise an error that keeps work.
    """
    throttle.count_code(session, user_id)
    compared = otp.plain(code)
    if otp.TOTP_CODE.fullmatch(compared):
        kind = TOTP if totp.accept_totp(session, user_id, compared) else None
    else:
        kind = RECOVERY if recovery.accept_code(session, user_id, compared) else None
    if kind is None:
        _record(session, AuditTag.SECOND_FACTOR_FAILED, user_id, hospital_id)
        return None
    throttle.forgive_codes(session, user_id)
    if kind == RECOVERY:
        _tell_code_used(session, user_id, hospital_id)
    return kind


def confirm_identity(session: Session, *, actor: Actor, data: Proof) -> None:
    """Take a fresh proof: the password, and the second factor where there is one.

    Raises WrongProof and TooManyRequests. The session must not have been used before: a hash is
    computed, and the write lock is not to be held meanwhile.
    """
    database = database_of(session)
    with database.reading() as reader:
        found = reader.execute(
            select(User.password_hash, has_second_factor()).where(User.id == actor.user_id)
        ).one()
    if not found[0]:
        raise WrongProof("password", PROVIDER_ONLY)
    fits = passwords.verify_password(
        found[0], data.password, at_once=database.settings.password_hashes_at_once
    )
    throttle.count_code(session, actor.user_id)
    if not fits:
        audit.record(session, actor=actor, tag=AuditTag.PROOF_FAILED)
        raise WrongProof("password", "This is not your password.")
    factors = PASSWORD
    if found[1]:
        factors = f"{PASSWORD}+{_require_otp(session, actor, data.otp)}"
    throttle.forgive_codes(session, actor.user_id)
    note_proof(session, actor=actor, factors=factors)
    audit.record(session, actor=actor, tag=AuditTag.PROOF_RENEWED, details={"factors": factors})


def add_totp(session: Session, *, actor: Actor, code: str) -> list[str]:
    """Let a begun authenticator app count; return recovery codes if these are the first."""
    totp.confirm_totp(session, actor=actor, code=code)
    return factor_added(session, actor=actor, kind=TOTP, subject=("user", actor.user_id))


def remove_totp(session: Session, *, actor: Actor) -> None:
    """Take the authenticator app away. Raises NotFound and ProofRequired."""
    require_recent(session, actor=actor)
    totp.delete_totp(session, actor.user_id)
    factor_removed(session, actor=actor, kind=TOTP, subject=("user", actor.user_id))


def renew_recovery_codes(session: Session, *, actor: Actor) -> list[str]:
    """Make new recovery codes. Raises Conflict without a second factor, and ProofRequired."""
    require_recent(session, actor=actor)
    if not needs_second_factor(session, actor.user_id):
        raise Conflict(NO_FACTOR)
    codes = recovery.make_codes(session, actor.user_id)
    audit.record(session, actor=actor, tag=AuditTag.RECOVERY_CODES_RENEWED)
    _changed(session, actor, "recovery-codes-renewed", actor.user_id)
    return codes


def factor_added(
    session: Session, *, actor: Actor, kind: str, subject: tuple[str, UUID]
) -> list[str]:
    """Do what follows a new factor; return recovery codes where there are none yet."""
    strengthen(session, actor=actor, by=kind)
    left = recovery.count_codes(session, actor.user_id)
    codes = [] if left else recovery.make_codes(session, actor.user_id)
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.SECOND_FACTOR_ADDED,
        subject=subject,
        details={"kind": kind},
    )
    _changed(session, actor, "second-factor-added", subject[1])
    return codes


def factor_removed(session: Session, *, actor: Actor, kind: str, subject: tuple[str, UUID]) -> None:
    """Do what follows the loss of a factor; recovery codes go with the last one."""
    if not needs_second_factor(session, actor.user_id):
        recovery.delete_codes(session, actor.user_id)
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.SECOND_FACTOR_REMOVED,
        subject=subject,
        details={"kind": kind},
    )
    _changed(session, actor, "second-factor-removed", subject[1])


def reset_second_factor(session: Session, *, actor: Actor, membership_id: UUID) -> None:
    """Take every second factor from a colleague who lost theirs; they are signed out everywhere.

    Raises PermissionDenied, also for one's own, and NotFound for whoever is no member of staff of
    the actor's hospital.
    """
    actor.require(Permission.STAFF_MANAGE)
    colleague = select(Membership.user_id).where(
        Membership.id == membership_id,
        Membership.hospital_id == actor.tenant_id,
        Membership.role != Role.PATIENT,
    )
    user_id = session.scalar(colleague)
    if user_id is None:
        raise NotFound("There is no such colleague.")
    if user_id == actor.user_id:
        raise PermissionDenied(NOT_THEIRS)
    audit.record(session, actor=actor, tag=AuditTag.SECOND_FACTOR_RESET, subject=("user", user_id))
    _forget_factors(session, user_id, actor.tenant_id)


def reset_by_operator(session: Session, *, email: str) -> bool:
    """Take every second factor from an account, on the word of whoever runs the machine.

    For patients, and for the last administrator. False when there is no such account.
    """
    found = session.execute(
        select(User.id, Membership.hospital_id)
        .join(Membership, Membership.user_id == User.id)
        .where(User.email == normal_email(email))
        .order_by(Membership.created_at)
        .limit(1)
    ).one_or_none()
    if found is None:
        return False
    _record(session, AuditTag.SECOND_FACTOR_RESET, found.id, found.hospital_id)
    _forget_factors(session, found.id, found.hospital_id)
    return True


def _forget_factors(session: Session, user_id: UUID, hospital_id: UUID) -> None:
    rows_changed(session, delete(TotpFactor).where(TotpFactor.user_id == user_id))
    rows_changed(session, delete(Passkey).where(Passkey.user_id == user_id))
    recovery.delete_codes(session, user_id)
    security_changed(
        session,
        user_id=user_id,
        hospital_id=hospital_id,
        kind="second-factor-reset",
        subject_id=user_id,
        because="second factor reset",
        keep_family=None,
    )


def _require_otp(session: Session, actor: Actor, code: str | None) -> str:
    kind = accept_otp(session, user_id=actor.user_id, hospital_id=actor.tenant_id, code=code or "")
    if kind is None:
        raise WrongProof("otp", totp.WRONG_CODE)
    return kind


def _tell_code_used(session: Session, user_id: UUID, hospital_id: UUID) -> None:
    is_few = recovery.count_codes(session, user_id) <= FEW
    kind = "recovery-codes-few" if is_few else "recovery-code-used"
    _record(session, AuditTag.RECOVERY_CODE_USED, user_id, hospital_id)
    publish(session, AccountNotice(user_id, hospital_id, kind, user_id))


def _record(session: Session, tag: AuditTag, user_id: UUID, hospital_id: UUID) -> None:
    audit.record(
        session, tag=tag, user_id=user_id, hospital_id=hospital_id, subject=("user", user_id)
    )


def _changed(session: Session, actor: Actor, kind: str, subject_id: UUID) -> None:
    security_changed(
        session,
        user_id=actor.user_id,
        hospital_id=actor.tenant_id,
        kind=kind,
        subject_id=subject_id,
        because="second factor changed",
        keep_family=actor.family_id,
    )
