"""What settings must be for the application to start: nothing missing, weak, or half configured."""

from medical_ai.core.config import SIGNING_SECRETS, SMTP_DEADLINES, Settings, SettingsError

SECRET_MIN_BYTES = 32
SECRET_MIN_DISTINCT = 10
TEMPLATE_MARKS = ("change", "replace", "example", "your-", "your_", "secret", "password", "xxxx")


def check_settings(settings: Settings) -> None:
    """Refuse to start on settings that would be unsafe.

    Raises SettingsError naming the first variable at fault: a missing or short secret always;
    a template secret, plain http, missing rate limits or a demo password in production.
    """
    for name in SIGNING_SECRETS:
        _check_secret(name.upper(), getattr(settings, name).get_secret_value())
    for name in ("jwt_secret_previous", "jwt_refresh_secret_previous", "metrics_token"):
        if given := getattr(settings, name).get_secret_value():
            _check_secret(name.upper(), given)
    mail_seconds = SMTP_DEADLINES * settings.smtp_timeout_seconds
    _hold(
        "JOB_LEASE_SECONDS must outlast SMTP_TIMEOUT_SECONDS several times",
        settings.job_lease_seconds >= mail_seconds + 10,
    )
    _hold(
        "JWT_REFRESH_SECRET must differ from JWT_SECRET",
        settings.jwt_secret != settings.jwt_refresh_secret,
    )
    _ = settings.ring_keys
    _check_identity_provider(settings)
    if settings.production:
        _check_production(settings)


def _check_secret(name: str, value: str) -> None:
    if not value:
        raise SettingsError(f"{name} is missing: set {name} or {name}_FILE")
    if len(value.encode()) < SECRET_MIN_BYTES:
        raise SettingsError(f"{name} is too short: it needs {SECRET_MIN_BYTES} characters or more")


def _check_random(name: str, value: str) -> None:
    looks_like_template = any(mark in value.lower() for mark in TEMPLATE_MARKS)
    if looks_like_template or len(set(value)) < SECRET_MIN_DISTINCT:
        raise SettingsError(f"{name} is a template or a pattern: make a random one")


def _check_identity_provider(settings: Settings) -> None:
    if not settings.oidc_issuer:
        return
    for name in ("oidc_client_id", "oidc_client_secret"):
        if not getattr(settings, name):  # a secret is as long as its value
            raise SettingsError(f"{name.upper()} is missing: OIDC_ISSUER is set")
    _hold("OIDC_SCOPES must hold openid", "openid" in settings.oidc_scopes.split())
    _hold(
        "OIDC_AUDIENCE must differ from OIDC_CLIENT_ID, or id tokens would do",
        settings.oidc_audience != settings.oidc_client_id,
    )
    _hold(
        "OIDC_ROLES_CLAIM and OIDC_ROLE_MAP belong together: set both or none",
        bool(settings.oidc_roles_claim) == bool(settings.oidc_role_map),
    )
    _check_url("OIDC_ISSUER", settings.oidc_issuer, settings)
    if settings.oidc_logout_url:
        _check_url("OIDC_LOGOUT_URL", settings.oidc_logout_url, settings)


def _check_url(name: str, url: str, settings: Settings) -> None:
    if not url.startswith("https://" if settings.production else ("https://", "http://")):
        raise SettingsError(f"{name} must be an https address")


def _check_production(settings: Settings) -> None:
    for name in SIGNING_SECRETS:
        _check_random(name.upper(), getattr(settings, name).get_secret_value())
    if any(len(set(key)) < SECRET_MIN_DISTINCT for key in settings.ring_keys):
        raise SettingsError("ENCRYPTION_KEYS holds a pattern: make random keys")
    webhook = settings.audit_anchor_webhook.get_secret_value() or "https://"
    _hold("PUBLIC_URL must be the https address people open", _is_https(settings.public_url))
    _hold("RATELIMIT_ENABLED cannot be off in production", settings.ratelimit_enabled)
    _hold("COOKIE_SECURE cannot be off in production", settings.cookie_secure)
    _hold("AUDIT_ANCHOR_WEBHOOK must be an https address", _is_https(webhook))
    demo = settings.demo_password.get_secret_value()
    _hold("DEMO_PASSWORD is set: demo people cannot exist in production", not demo)


def _is_https(url: str) -> bool:
    return url.startswith("https://")


def _hold(words: str, is_so: bool) -> None:
    if not is_so:
        raise SettingsError(words)
