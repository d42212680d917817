"""Second factors over the JSON API. Passkeys need a browser and are made on its pages."""

from flask import Blueprint

from medical_ai.auth.guards import current_account
from medical_ai.auth.schemas import FactorsRead, Proof, RecoveryCodes, TotpConfirm, TotpEnrolment
from medical_ai.auth.service import factors, totp
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session, release_session

blueprint = Blueprint("mfa_api", __name__)


@blueprint.get("/auth/mfa")
@api(answers={200: FactorsRead})
def get_factors() -> FactorsRead:
    """Return which second factors the account has."""
    return factors.get_factors(current_session(), actor=current_actor())


@blueprint.post("/auth/mfa/totp")
@api(answers={201: TotpEnrolment}, errors=[403, 409], writes=True)
def begin_totp() -> TotpEnrolment:
    """Begin to set up an authenticator app.

    The secret counts once a code confirms it, from the same session and within 15 minutes. 403
    with the type `recent-proof-required` asks for `/auth/proof` first.
    """
    email = current_account().email
    return totp.begin_totp(current_session(), actor=current_actor(), email=email)


@blueprint.post("/auth/mfa/totp/confirm")
@api(body=TotpConfirm, answers={200: RecoveryCodes}, errors=[403, 409], writes=True)
def confirm_totp(body: TotpConfirm) -> RecoveryCodes:
    """Confirm the authenticator app with a code it shows.

    Answers ten recovery codes where these are the account's first; they are shown this once. All
    other sessions end.
    """
    codes = factors.add_totp(current_session(), actor=current_actor(), code=body.code)
    return RecoveryCodes(recovery_codes=codes)


@blueprint.delete("/auth/mfa/totp")
@api(answers={204: None}, errors=[403, 404], writes=True)
def remove_totp() -> None:
    """Remove the authenticator app. All other sessions end."""
    factors.remove_totp(current_session(), actor=current_actor())


@blueprint.post("/auth/mfa/recovery-codes")
@api(answers={200: RecoveryCodes}, errors=[403, 409], writes=True)
def renew_recovery_codes() -> RecoveryCodes:
    """Make new recovery codes; the earlier ones stop working. All other sessions end."""
    codes = factors.renew_recovery_codes(current_session(), actor=current_actor())
    return RecoveryCodes(recovery_codes=codes)


@blueprint.post("/auth/proof")
@api(body=Proof, answers={204: None}, writes=True)
def confirm_identity(body: Proof) -> None:
    """Prove again, in the middle of a session, who one is: what changes of security ask for.

    It holds for ten minutes. Where the account has a second factor, its code is needed as well.
    """
    actor = current_actor()
    release_session()  # a hash is computed: the write lock must not be held meanwhile
    factors.confirm_identity(current_session(), actor=actor, data=body)
