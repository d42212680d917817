"""What people do with their own account over the JSON API."""

from flask import Blueprint

from medical_ai.auth import service
from medical_ai.auth.guards import current_account, current_client
from medical_ai.auth.schemas import (
    Acknowledgement,
    EmailChange,
    LinkUse,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    ProfileUpdate,
    UserRead,
)
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session, renewed_session

blueprint = Blueprint("account_api", __name__)


@blueprint.post("/auth/verify-email")
@api(body=LinkUse, answers={200: Acknowledgement}, errors=[404], writes=True)
def verify_email(body: LinkUse) -> Acknowledgement:
    """Confirm an e-mail address by the token of the link that was sent to it."""
    service.verify_email(current_session(), token=body.token)
    return Acknowledgement(status="verified")


@blueprint.post("/auth/verify-email/resend")
@api(answers={202: Acknowledgement}, errors=[409], writes=True)
def resend_verification() -> Acknowledgement:
    """Send the link that confirms the address once more."""
    service.resend_verification(renewed_session(), actor=current_actor())
    return Acknowledgement(status="verification-sent")


@blueprint.post("/auth/password/forgot")
@api(body=PasswordForgotten, answers={202: Acknowledgement}, errors=[409], writes=True)
def forgot_password(body: PasswordForgotten) -> Acknowledgement:
    """Send a link for a new password, if there is an account with this address.

    The answer is the same where there is none. 409 says that this installation sends no e-mail.
    """
    service.ask_for_reset(current_session(), email=body.email, client=current_client())
    return Acknowledgement(status="reset-sent")


@blueprint.post("/auth/password/reset")
@api(body=PasswordReset, answers={200: Acknowledgement}, errors=[404], writes=True)
def reset_password(body: PasswordReset) -> Acknowledgement:
    """Set a new password by the token of a link. Every session ends; sign in anew."""
    service.reset_password(current_session(), data=body, client=current_client())
    return Acknowledgement(status="changed")


@blueprint.post("/auth/password")
@api(body=PasswordChange, answers={204: None}, writes=True)
def change_password(body: PasswordChange) -> None:
    """Change the password. Every other session ends."""
    service.change_password(renewed_session(), actor=current_actor(), data=body)


@blueprint.post("/auth/email")
@api(body=EmailChange, answers={202: Acknowledgement}, errors=[409], writes=True)
def change_email(body: EmailChange) -> Acknowledgement:
    """Ask for another e-mail address; it changes when the link sent to it is confirmed.

    Where no e-mail is sent, it changes at once (`changed`).
    """
    is_sent = service.change_email(renewed_session(), actor=current_actor(), data=body)
    return Acknowledgement(status="confirmation-sent" if is_sent else "changed")


@blueprint.post("/auth/email/confirm")
@api(body=LinkUse, answers={200: Acknowledgement}, errors=[404, 409], writes=True)
def confirm_email(body: LinkUse) -> Acknowledgement:
    """Take the new address by the token of the link that was sent to it."""
    service.confirm_email(current_session(), actor=current_actor(), token=body.token)
    return Acknowledgement(status="changed")


@blueprint.patch("/auth/me")
@api(body=ProfileUpdate, answers={200: UserRead}, writes=True)
def update_me(body: ProfileUpdate) -> UserRead:
    """Change how you are called and by which clock you live."""
    return service.update_profile(
        current_session(), actor=current_actor(), account=current_account(), data=body
    )
