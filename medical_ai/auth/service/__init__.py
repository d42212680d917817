"""What the installation does with accounts and their signed-in sessions."""

from medical_ai.auth.service.accounts import (
    create_demo_account,
    find_user,
    get_email,
    get_profile,
    normal_email,
    set_demo_password,
    sign_up,
)
from medical_ai.auth.service.joining import AccountRef, join_as_patient, list_accounts
from medical_ai.auth.service.one_time import (
    OneTimeRef,
    delete_old_tokens,
    find_token,
    get_token_to_send,
    issue_token,
    mail_token,
    redeem_token,
    spell_token,
)
from medical_ai.auth.service.sessions import (
    ENDED,
    Client,
    LiveAccount,
    Superseded,
    delete_expired,
    find_live_account,
    renew_access,
    revoke_families,
    rotate,
    sign_out,
)
from medical_ai.auth.service.sign_in import sign_in
from medical_ai.auth.service.wards import select_wards_of

__all__ = [
    "ENDED",
    "AccountRef",
    "Client",
    "LiveAccount",
    "OneTimeRef",
    "Superseded",
    "create_demo_account",
    "delete_expired",
    "delete_old_tokens",
    "find_live_account",
    "find_token",
    "find_user",
    "get_email",
    "get_profile",
    "get_token_to_send",
    "issue_token",
    "join_as_patient",
    "list_accounts",
    "mail_token",
    "normal_email",
    "redeem_token",
    "renew_access",
    "revoke_families",
    "rotate",
    "select_wards_of",
    "set_demo_password",
    "sign_in",
    "sign_out",
    "sign_up",
    "spell_token",
]
