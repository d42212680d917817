"""Which endpoints open to whom before any permission is asked for. Whatever is not here is shut."""

PUBLIC_ENDPOINTS = frozenset(
    {
        "static",
        "bootstrap.static",
        "auth_api.signup",
        "auth_api.login",
        "auth_api.login_short",
        "ops_api.health",
        "ops_api.health_live",
        "ops_api.health_ready",
        "ops_api.metrics",
        "web_api.openapi",
        "web.api_reference",
        "web.landing",
        "web.favicon",
        "auth.sign_in_page",
        "auth.sign_in",
        "auth.sign_up_page",
        "auth.sign_up",
        "invitations.staff_page",
        "invitations.open_staff",
        "invitations.accept_staff",
        "account_api.verify_email",
        "account_api.forgot_password",
        "account_api.reset_password",
        "account.verify_page",
        "account.verify",
        "account.forgot_page",
        "account.forgot",
        "account.reset_page",
        "account.reset",
        "second_step.code_page",
        "second_step.send_code",
        "second_step.passkey_options",
        "second_step.passkey",
        "deletion_api.get_receipt",
        "leaving.receipt_page",
        "care.invitation_page",
        "care.look_at_invitation",
        "care.decline_invitation",
        "care.takeover_page",
        "auth_provider.start",
        "auth_provider.callback",
        "auth_provider.proof_page",
        "auth_provider.prove",
        "auth_provider.leave",
    }
)
"""Endpoints that anybody may call. Everything else needs an actor."""

ENROLMENT_ENDPOINTS = frozenset(
    {
        "auth.sign_out",
        "auth_api.me",
        "auth_api.verify",
        "auth_api.logout",
        "mfa_api.get_factors",
        "mfa_api.begin_totp",
        "mfa_api.confirm_totp",
        "mfa_api.confirm_identity",
        "factors.overview",
        "factors.begin_app",
        "factors.app_page",
        "factors.confirm_app",
        "factors.passkeys_page",
        "factors.passkey_options",
        "factors.add_passkey",
        "factors.proof_page",
        "factors.prove",
    }
)
"""All that a session may do whose role asks for a second factor that is not set up yet."""

REFRESH_ENDPOINTS = frozenset({"auth_api.refresh"})
"""Endpoints whose bearer is a refresh token."""
