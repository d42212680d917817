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
from medical_ai.auth.service.changes import security_changed
from medical_ai.auth.service.factors import (
    get_factors,
    reset_by_operator,
    reset_second_factor,
)
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
from medical_ai.auth.service.recent import is_recent, require_recent
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
from medical_ai.auth.service.sign_in import begin_sign_in, sign_in
from medical_ai.auth.service.wards import select_wards_of

__all__ = [
    "ENDED",
    "Client",
    "LiveAccount",
    "OneTimeRef",
    "Superseded",
    "begin_sign_in",
    "create_demo_account",
    "delete_expired",
    "delete_old_tokens",
    "find_live_account",
    "find_token",
    "find_user",
    "get_email",
    "get_factors",
    "get_profile",
    "get_token_to_send",
    "is_recent",
    "issue_token",
    "mail_token",
    "normal_email",
    "redeem_token",
    "renew_access",
    "require_recent",
    "reset_by_operator",
    "reset_second_factor",
    "revoke_families",
    "rotate",
    "security_changed",
    "select_wards_of",
    "set_demo_password",
    "sign_in",
    "sign_out",
    "sign_up",
    "spell_token",
]
