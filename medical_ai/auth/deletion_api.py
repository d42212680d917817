"""The endpoints of deleting an account."""

from flask import Blueprint
from pydantic import AwareDatetime, Field

from medical_ai.auth import service
from medical_ai.auth.schemas import Password
from medical_ai.core.api import api
from medical_ai.core.errors import NotFound
from medical_ai.core.http import (
    current_actor,
    current_database,
    current_session,
    release_session,
)
from medical_ai.core.schemas import Input, Output

blueprint = Blueprint("deletion_api", __name__)


class DeletionAsk(Input):
    """Proof that it is the owner who asks."""

    password: Password | None = Field(
        None, description="Where the account has one; otherwise its owner signed in lately."
    )


class DeletionRead(Output):
    """A deletion that can still be called off."""

    asked_at: AwareDatetime
    due_at: AwareDatetime = Field(description="From then on nothing can be brought back.")


class ReceiptRead(Output):
    """That a deletion with this number was done, and nothing else."""

    number: str
    done_on: str = Field(description="The day, in UTC.")


@blueprint.post("/account/deletion")
@api(body=DeletionAsk, answers={200: DeletionRead}, errors=[403, 409], writes=True)
def request_deletion(body: DeletionAsk) -> DeletionRead:
    """Delete one's account and record when the days for second thoughts are over."""
    release_session()  # a hash is computed: the write lock is not held meanwhile
    service.prove_password(current_database(), actor=current_actor(), password=body.password)
    asked = service.request_deletion(current_session(), actor=current_actor())
    return DeletionRead.model_validate(asked)


@blueprint.get("/account/deletion")
@api(answers={200: DeletionRead}, errors=[404])
def get_deletion() -> DeletionRead:
    """Return until when one's deletion can be called off."""
    found = service.find_deletion(current_session(), actor=current_actor())
    if found is None:
        raise NotFound("Your account is not about to be deleted.")
    return DeletionRead.model_validate(found)


@blueprint.delete("/account/deletion")
@api(answers={204: None}, errors=[404], writes=True)
def cancel_deletion() -> None:
    """Call the deletion off."""
    service.cancel_deletion(current_session(), actor=current_actor())


@blueprint.get("/account/deletion/receipt/<number>")
@api(answers={200: ReceiptRead}, errors=[404])
def get_receipt(number: str) -> ReceiptRead:
    """Tell whether a deletion with this number was done, and on which day."""
    done_at = service.get_receipt_day(current_session(), number=number)
    return ReceiptRead(number=number, done_on=done_at.date().isoformat())
