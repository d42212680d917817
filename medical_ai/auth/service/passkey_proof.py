"""Passkeys shown: to sign in with, after a password, or as proof in the middle of a session.

The passkey must answer this very challenge, from this site, with a user it has verified, and with
a count that has gone up.
"""

import secrets
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    options_to_json,
    verify_authentication_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import AuthenticationCredential, UserVerificationRequirement

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import throttle
from medical_ai.auth.models import Passkey, User
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import WrongProof
from medical_ai.auth.relying_party import RelyingParty
from medical_ai.auth.schemas import Tokens
from medical_ai.auth.service import challenges
from medical_ai.auth.service.challenges import ChallengeRef
from medical_ai.auth.service.live import Client
from medical_ai.auth.service.passkeys import CHALLENGE_BYTES, descriptors_of, hash_of
from medical_ai.auth.service.recent import PASSKEY, note_proof
from medical_ai.auth.service.sessions import open_family
from medical_ai.auth.service.sign_in import count_sign_in, find_half_way, standing_of
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, rows_changed
from medical_ai.core.errors import Unauthenticated

OPTIONS_PER_MINUTE = 30
NOT_ACCEPTED = "This passkey was not accepted. Try again, or sign in another way."


def begin_passkey_sign_in(
    session: Session, *, rp: RelyingParty, client: Client, attempt_id: UUID | None
) -> tuple[UUID, str]:
    """Return a challenge's id and, as JSON, what a browser needs to sign in with a passkey.

    Half-way through a sign-in only that account's passkeys are asked for. Raises TooManyRequests.
    """
    throttle.count_attempt(
        database_of(session),
        scope="passkey",
        subject=throttle.network_of(client.address),
        limit=OPTIONS_PER_MINUTE,
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
        allow_credentials=descriptors_of(session, user_id) if user_id else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return challenge_id, options_to_json(options)


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
        .where(Passkey.credential_hash == hash_of(shown.raw_id))
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
