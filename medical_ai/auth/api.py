"""The account endpoints of the JSON API."""

from flask import Blueprint, Response

from medical_ai.auth import service
from medical_ai.auth.guards import (
    current_account,
    current_claims,
    current_client,
    refresh_ids,
)
from medical_ai.auth.schemas import (
    Acknowledgement,
    HospitalSwitch,
    SignIn,
    SignUp,
    Tokens,
    UserRead,
    Verification,
)
from medical_ai.core.api import api, to_response
from medical_ai.core.http import current_actor, current_session

blueprint = Blueprint("auth_api", __name__)


@blueprint.post("/auth/signup")
@api(body=SignUp, answers={201: Tokens, 202: Acknowledgement}, errors=[409], writes=True)
def signup(body: SignUp) -> Tokens | Response:
    """Create an account and sign it in.

    Where addresses must be confirmed first, the answer is 202 whether or not this one is taken.
    """
    granted = service.sign_up(current_session(), data=body, client=current_client())
    return granted or to_response(Acknowledgement(status="verification-sent"), 202, Acknowledgement)


@blueprint.post("/auth/login")
@api(body=SignIn, answers={200: Tokens}, errors=[401, 403], writes=True)
def login(body: SignIn) -> Tokens:
    """Sign in with e-mail and password.

    A wrong pair or code is 401. A code that is needed and missing is 403 with the type
    `mfa_required`, an address still to be confirmed 403, too many attempts are 429.
    """
    return service.sign_in(current_session(), data=body, client=current_client())


@blueprint.post("/login")
@api(body=SignIn, answers={200: Tokens}, errors=[401, 403], writes=True)
def login_short(body: SignIn) -> Tokens:
    """Sign in; the same as `/auth/login` at a shorter address."""
    return service.sign_in(current_session(), data=body, client=current_client())


@blueprint.post("/auth/refresh")
@api(answers={200: Tokens}, writes=True)
def refresh() -> Tokens:
    """Exchange the refresh token in the Authorization header for a new pair.

    Each refresh token works once. Its reuse ends the whole session; only within a few seconds
    and from the same client is it merely refused, since two windows may have raced.
    """
    family_id, jti = refresh_ids(current_claims())
    return service.rotate(current_session(), family_id=family_id, jti=jti, client=current_client())


@blueprint.post("/auth/logout")
@api(answers={204: None}, errors=[403, 409], writes=True)
def logout() -> None:
    """End this session: its refresh and access tokens are dead at once.

    A token of the identity provider has no session here: 409, it ends where it was given.
    """
    service.sign_out(current_session(), actor=current_actor())


@blueprint.get("/auth/me")
@api(answers={200: UserRead})
def me() -> UserRead:
    """Return the account the token speaks for."""
    return service.get_profile(current_session(), actor=current_actor(), account=current_account())


@blueprint.post("/auth/hospital")
@api(body=HospitalSwitch, answers={200: Tokens}, errors=[404], writes=True)
def switch_hospital(body: HospitalSwitch) -> Tokens:
    """Take this session to another hospital of one's own; its tokens until now are dead."""
    return service.switch_hospital(
        current_session(), actor=current_actor(), hospital_id=body.hospital_id
    )


@blueprint.post("/auth/verify")
@api(answers={200: Verification})
def verify() -> Verification:
    """Tell whether the access token holds, and what it says."""
    return Verification(valid=True, claims=current_claims())
