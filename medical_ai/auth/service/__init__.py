"""What the installation does with accounts and their signed-in sessions."""

from medical_ai.auth.service.accounts import (
    create_demo_account,
    find_user,
    get_email,
    get_profile,
    normal_email,
    open_wanted_account,
    set_demo_password,
    sign_up,
)
from medical_ai.auth.service.changes import security_changed
from medical_ai.auth.service.factors import (
    get_factors,
    reset_by_operator,
    reset_second_factor,
)
from medical_ai.auth.service.hospitals import list_hospitals
from medical_ai.auth.service.invitations import (
    accept_as_newcomer,
    accept_invitation,
    invite,
    list_invitations,
    look_at_invitation,
    withdraw_invitation,
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
from medical_ai.auth.service.password import (
    answer_forgotten,
    ask_for_reset,
    change_password,
    check_password,
    make_reset_token,
    reset_password,
)
from medical_ai.auth.service.people import (
    Colleague,
    find_colleagues,
    find_working_colleague,
    hold_account,
    list_member_ids,
)
from medical_ai.auth.service.profile import change_email, confirm_email, update_profile
from medical_ai.auth.service.recent import is_recent, require_recent
from medical_ai.auth.service.role_permissions import (
    get_permissions,
    list_roles,
    seed_hospital,
    set_permission,
    sync_permissions,
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
    switch_hospital,
)
from medical_ai.auth.service.sign_in import begin_sign_in, sign_in
from medical_ai.auth.service.staff import PAGE_SIZE as STAFF_PAGE_SIZE
from medical_ai.auth.service.staff import (
    change_member,
    get_member,
    list_staff,
    remove_member,
)
from medical_ai.auth.service.verification import resend_verification, verify_email
from medical_ai.auth.service.wards import (
    change_ward,
    create_ward,
    list_wards,
    select_wards_of,
)

__all__ = [
    "ENDED",
    "STAFF_PAGE_SIZE",
    "Client",
    "Colleague",
    "LiveAccount",
    "OneTimeRef",
    "Superseded",
    "accept_as_newcomer",
    "accept_invitation",
    "answer_forgotten",
    "ask_for_reset",
    "begin_sign_in",
    "change_email",
    "change_member",
    "change_password",
    "change_ward",
    "check_password",
    "confirm_email",
    "create_demo_account",
    "create_ward",
    "delete_expired",
    "delete_old_tokens",
    "find_colleagues",
    "find_live_account",
    "find_token",
    "find_user",
    "find_working_colleague",
    "get_email",
    "get_factors",
    "get_member",
    "get_permissions",
    "get_profile",
    "get_token_to_send",
    "hold_account",
    "invite",
    "is_recent",
    "issue_token",
    "list_hospitals",
    "list_invitations",
    "list_member_ids",
    "list_roles",
    "list_staff",
    "list_wards",
    "look_at_invitation",
    "mail_token",
    "make_reset_token",
    "normal_email",
    "open_wanted_account",
    "redeem_token",
    "remove_member",
    "renew_access",
    "require_recent",
    "resend_verification",
    "reset_by_operator",
    "reset_password",
    "reset_second_factor",
    "revoke_families",
    "rotate",
    "security_changed",
    "seed_hospital",
    "select_wards_of",
    "set_demo_password",
    "set_permission",
    "sign_in",
    "sign_out",
    "sign_up",
    "spell_token",
    "switch_hospital",
    "sync_permissions",
    "update_profile",
    "verify_email",
    "withdraw_invitation",
]
