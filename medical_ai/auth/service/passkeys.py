"""Passkeys (WebAuthn Level 3): made, listed and removed.

An authenticator must verify its user, so that a passkey alone is two factors. A challenge is used
up before its answer is looked at, whatever becomes of it.
"""

import hashlib
import secrets
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webauthn import (
    generate_registration_options,
    options_to_json,
    verify_registration_response,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from medical_ai.auth import otp
from medical_ai.auth.models import Passkey, User
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import WrongProof
from medical_ai.auth.relying_party import RelyingParty
from medical_ai.auth.schemas import PasskeyCreate, PasskeyRead
from medical_ai.auth.service import challenges, factors
from medical_ai.auth.service.challenges import ChallengeRef
from medical_ai.auth.service.recent import PASSKEY, require_recent
from medical_ai.core.actor import Actor
from medical_ai.core.database import integrity_as, rows_changed
from medical_ai.core.errors import Conflict, NotFound

CHALLENGE_BYTES = 32
MOST_PASSKEYS = 20
LONGEST_ID, LONGEST_KEY = 1023, 2048
NOT_MADE = "The passkey could not be made. Try again."
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
    known = descriptors_of(session, actor.user_id)
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
        credential_hash=hash_of(made.credential_id),
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


def descriptors_of(session: Session, user_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    """Return how browsers are told of an account's passkeys."""
    ids = session.scalars(select(Passkey.credential_id).where(Passkey.user_id == user_id))
    return [PublicKeyCredentialDescriptor(id=one) for one in ids]


def hash_of(credential_id: bytes) -> str:
    """Return what a credential is looked up by: ids are too long for an index."""
    return hashlib.sha256(credential_id).hexdigest()


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


def _handle_of(session: Session, user_id: UUID) -> bytes:
    # Random and made once: an authenticator shows it to whoever holds it.
    new = update(User).where(User.id == user_id, User.passkey_handle.is_(None))
    rows_changed(session, new.values(passkey_handle=secrets.token_bytes(CHALLENGE_BYTES)))
    handle = session.scalar(select(User.passkey_handle).where(User.id == user_id))
    if handle is None:
        raise NotFound("There is no such account.")
    return handle
