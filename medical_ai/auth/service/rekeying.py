"""What of accounts the key ring seals by itself."""

from medical_ai.auth.models import AuthChallenge, DeletionReceipt, ProviderSignIn, TotpFactor
from medical_ai.auth.service.provider_links import SEALED
from medical_ai.core.rekeying import SealedColumn

STORES = (
    SealedColumn(
        "authenticator apps",
        TotpFactor.user_id,
        TotpFactor.secret_sealed,
        ("totp_factors", "secret_sealed"),
    ),
    SealedColumn(
        "challenges",
        AuthChallenge.id,
        AuthChallenge.content_sealed,
        ("auth_challenges", "content_sealed"),
    ),
    SealedColumn(
        "sign-ins at the provider", ProviderSignIn.id, ProviderSignIn.id_token_sealed, SEALED
    ),
    SealedColumn(
        "receipts of deletions",
        DeletionReceipt.id,
        DeletionReceipt.email_sealed,
        ("deletion_receipts", "email"),
    ),
)
