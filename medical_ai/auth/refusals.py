"""Refusals about second factors that a client must be able to tell apart."""

from medical_ai.core.errors import FieldProblem, InvalidInput, PermissionDenied


class MfaRequired(PermissionDenied):
    """The password is right, and the account has a second factor that was not shown."""

    slug, title = "mfa_required", "A second factor is needed"


class EnrolmentRequired(PermissionDenied):
    """The role asks for a second factor, and the account has none yet."""

    slug, title = "mfa-enrolment-required", "Set up a second factor first"


class ProofRequired(PermissionDenied):
    """Too long ago that this session proved who it is, or not with the second factor."""

    slug, title = "recent-proof-required", "Confirm that it is you first"


class WrongProof(InvalidInput):
    """A code, password or passkey of somebody who is signed in does not fit.

    The try stays counted, so the refusal keeps its work.
    """

    keeps_work = True

    def __init__(self, field: str, message: str) -> None:
        super().__init__(fields=(FieldProblem(field, message),))
