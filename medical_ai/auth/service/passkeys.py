"""Passkeys (WebAuthn Level 3): made, listed, removed, and signed in with.

An authenticator must verify its user, so that a passkey alone is two factors. A challenge is used
up before its answer is looked at, whatever becomes of it.
"""

import hashlib
import secrets
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import otp, throttle
from medical_ai.auth.models import Passkey, User
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import WrongProof
from medical_ai.auth.relying_party import RelyingParty
from medical_ai.auth.schemas import PasskeyCreate, PasskeyRead, Tokens
from medical_ai.auth.service import challenges, factors
from medical_ai.auth.service.challenges import ChallengeRef
from medical_ai.auth.service.recent import PASSKEY, note_proof, require_recent
from medical_ai.auth.service.sessions import Client, open_family
from medical_ai.auth.service.sign_in import count_sign_in, find_half_way, standing_of
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, integrity_as, rows_changed
from medical_ai.core.errors import Conflict, NotFound, Unauthenticated

CHALLENGE_BYTES = 32
MOST_PASSKEYS = 20
OPTIONS_PER_MINUTE = 30
LONGEST_ID, LONGEST_KEY = 1023, 2048
NOT_MADE = "The passkey could not be made. Try again."
NOT_ACCEPTED = "This passkey was not accepted. Try again, or sign in another way."
TAKEN = "This passkey is registered already."
TOO_MANY = f"There are {MOST_PASSKEYS} passkeys already. Remove one first."


def list_passkeys(session: Session, *, actor: Actor) -> list[PasskeyRead]:
    """Return the actor's passkeys, the oldest first."""
    found = session.scalars(
        select(Passkey).where(Passkey.user_id == actor.user_id).order_by(Passkey.id)
    )
    return [PasskeyRead.model_validate(one) for one in found]


def begin_passkey(session: Session, *, actor: Actor, email: str, rp: RelyingParty) -> str:
    """Return, as JSON, what a browser needs to make a passkey. Raises ProofRequired, Conflict."""
    require_recent(session, actor=actor)
    known = _descriptors(session, actor.user_id)
    if len(known) >= MOST_PASSKEYS:
        raise Conflict(TOO_MANY)
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    challenges.begin(
        session,
        purpose=ChallengePurpose.PASSKEY_ENROLMENT,
        content=challenge,
        user_id=actor.user_id,
        family_id=actor.family_id,
    )
    options = generate_registration_options(
        rp_id=rp.id,
        rp_name=otp.ISSUER,
        user_id=_handle_of(session, actor.user_id),
        user_name=email,
        user_display_name=actor.username,
        challenge=challenge,
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return options_to_json(options)


def add_passkey(
    session: Session, *, actor: Actor, data: PasskeyCreate, rp: RelyingParty
) -> list[str]:
    """Keep the passkey that answers the challenge of this account and session.

    Returns recovery codes if this is the first factor. Raises WrongProof, Conflict, ProofRequired.
    """
    require_recent(session, actor=actor)
    begun = challenges.use(
        session,
        challenges.find_of(session, purpose=ChallengePurpose.PASSKEY_ENROLMENT, actor=actor),
    )
    made = _verify_made(begun, data.credential, rp)
    if made is None:
        raise WrongProof("credential", NOT_MADE)
    passkey = Passkey(
        user_id=actor.user_id,
        name=data.name,
        credential_id=made.credential_id,
        credential_hash=_hash(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )
    with integrity_as(session, Conflict(TAKEN)):
        session.add(passkey)
    return factors.factor_added(session, actor=actor, kind=PASSKEY, subject=("passkey", passkey.id))


def remove_passkey(session: Session, *, actor: Actor, passkey_id: UUID) -> None:
    """Take a passkey of the actor's away. Raises NotFound and ProofRequired."""
    require_recent(session, actor=actor)
    passkey = session.scalar(
        select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == actor.user_id)
    )
    if passkey is None:
        raise NotFound("There is no such passkey.")
    session.delete(passkey)
    session.flush()
    factors.factor_removed(session, actor=actor, kind=PASSKEY, subject=("passkey", passkey_id))


def begin_passkey_sign_in(
    session: Session, *, rp: RelyingParty, client: Client, attempt_id: UUID | None
) -> tuple[UUID, str]:
    """Return a challenge's id and, as JSON, what a browser needs to sign in with a passkey.

    Half-way through a sign-in only that account's passkeys are asked for. Raises TooManyRequests.
    """
    throttle.count_attempt(
        database_of(session), scope="passkey", subject=client.address, limit=OPTIONS_PER_MINUTE
    )
    attempt = find_half_way(session, attempt_id=attempt_id)
    user_id = attempt.user_id if attempt else None
    return _begin_proof(session, ChallengePurpose.PASSKEY_SIGN_IN, rp, user_id, None)


def sign_in_with_passkey(
    session: Session,
    *,
    credential: str,
    challenge_id: UUID | None,
    attempt_id: UUID | None,
    rp: RelyingParty,
    client: Client,
) -> Tokens:
    """Open a session for whoever answers this browser's challenge with their passkey.

    Raises Unauthenticated and TooManyRequests.
    """
    count_sign_in(session, client)
    asked = challenges.use(
        session,
        challenges.find(
            session, purpose=ChallengePurpose.PASSKEY_SIGN_IN, challenge_id=challenge_id
        ),
    )
    user_id = _verify_shown(session, asked, credential, rp)
    if user_id is None:
        audit.record(session, tag=AuditTag.ACCOUNT_SIGN_IN_FAILED, details={"by": PASSKEY})
        raise Unauthenticated(NOT_ACCEPTED)
    challenges.use(session, find_half_way(session, attempt_id=attempt_id))
    return open_family(session, standing_of(session, user_id), client, factors=PASSKEY)


def begin_passkey_proof(session: Session, *, actor: Actor, rp: RelyingParty) -> str:
    """Return, as JSON, what a browser needs to confirm with a passkey that it is the actor."""
    _, options = _begin_proof(
        session, ChallengePurpose.PASSKEY_PROOF, rp, actor.user_id, actor.family_id
    )
    return options


def confirm_by_passkey(
    session: Session, *, actor: Actor, credential: str, rp: RelyingParty
) -> None:
    """Take a fresh proof of the actor by one of their passkeys. Raises WrongProof."""
    asked = challenges.use(
        session, challenges.find_of(session, purpose=ChallengePurpose.PASSKEY_PROOF, actor=actor)
    )
    if _verify_shown(session, asked, credential, rp) is None:
        audit.record(session, actor=actor, tag=AuditTag.PROOF_FAILED)
        raise WrongProof("credential", NOT_ACCEPTED)
    note_proof(session, actor=actor, factors=PASSKEY)
    audit.record(session, actor=actor, tag=AuditTag.PROOF_RENEWED, details={"factors": PASSKEY})


def _begin_proof(
    session: Session,
    purpose: ChallengePurpose,
    rp: RelyingParty,
    user_id: UUID | None,
    family_id: UUID | None,
) -> tuple[UUID, str]:
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    challenge_id = challenges.begin(
        session, purpose=purpose, content=challenge, user_id=user_id, family_id=family_id
    )
    options = generate_authentication_options(
        rp_id=rp.id,
        challenge=challenge,
        allow_credentials=_descriptors(session, user_id) if user_id else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return challenge_id, options_to_json(options)


def _verify_made(
    begun: ChallengeRef | None, credential: str, rp: RelyingParty
) -> VerifiedRegistration | None:
    if begun is None:
        return None
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=begun.content,
            expected_rp_id=rp.id,
            expected_origin=rp.origin,
            require_user_verification=True,
        )
    except Exception:  # the library lets errors of its parsers through beside its own
        return None
    fits = len(made.credential_id) <= LONGEST_ID and len(made.credential_public_key) <= LONGEST_KEY
    return made if fits else None


def _verify_shown(
    session: Session, asked: ChallengeRef | None, credential: str, rp: RelyingParty
) -> UUID | None:
    """Return whose passkey answered the challenge; None when it does not hold."""
    shown = _parse(credential)
    if asked is None or shown is None:
        return None
    row = session.execute(
        select(Passkey, User.passkey_handle)
        .join(User, User.id == Passkey.user_id)
        .where(Passkey.credential_hash == _hash(shown.raw_id))
    ).one_or_none()
    if row is None or not _is_of(row[0], row[1], asked, shown.response.user_handle):
        return None
    passkey = row[0]
    proved = _verify_signature(passkey, asked.content, shown, rp)
    if proved is None:
        return None
    # Of two answers with the same count the database decides which was first: a copied
    # authenticator gives itself away.
    counted = update(Passkey).where(
        Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count
    )
    values = {"sign_count": proved.new_sign_count, "last_used_at": clock.now()}
    if rows_changed(session, counted.values(values)) != 1:
        return None
    user_id: UUID = passkey.user_id
    return user_id


def _parse(credential: str) -> AuthenticationCredential | None:
    try:
        return parse_authentication_credential_json(credential)
    except Exception:  # the library lets errors of its parsers through beside its own
        return None


def _is_of(
    passkey: Passkey, handle: bytes | None, asked: ChallengeRef, shown_handle: bytes | None
) -> bool:
    if asked.user_id is not None and asked.user_id != passkey.user_id:
        return False
    # Without an account to begin with, the handle is what says whose it is (WebAuthn 7.2 step 6).
    return shown_handle == handle if shown_handle is not None else asked.user_id is not None


def _verify_signature(
    passkey: Passkey, challenge: bytes, shown: AuthenticationCredential, rp: RelyingParty
) -> VerifiedAuthentication | None:
    try:
        return verify_authentication_response(
            credential=shown,
            expected_challenge=challenge,
            expected_rp_id=rp.id,
            expected_origin=rp.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception:  # the library lets errors of its parsers through beside its own
        return None


def _descriptors(session: Session, user_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    ids = session.scalars(select(Passkey.credential_id).where(Passkey.user_id == user_id))
    return [PublicKeyCredentialDescriptor(id=one) for one in ids]


def _handle_of(session: Session, user_id: UUID) -> bytes:
    # Random and made once: an authenticator shows it to whoever holds it.
    new = update(User).where(User.id == user_id, User.passkey_handle.is_(None))
    rows_changed(session, new.values(passkey_handle=secrets.token_bytes(CHALLENGE_BYTES)))
    handle = session.scalar(select(User.passkey_handle).where(User.id == user_id))
    if handle is None:
        raise NotFound("There is no such account.")
    return handle


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()
