"""What settings must be for the application to start: nothing missing, weak, or half configured."""

import sys
from collections.abc import Iterator

from medical_ai.core.config import (
    SIGNING_SECRETS,
    SMTP_DEADLINES,
    Settings,
    SettingsError,
    load_settings,
)

SECRET_MIN_BYTES = 32
SECRET_MIN_DISTINCT = 10
TEMPLATE_MARKS = ("change", "replace", "example", "your-", "your_", "secret", "password", "xxxx")


def check_settings(settings: Settings) -> None:
    """Refuse to start on settings that would be unsafe.

    Raises SettingsError naming every variable at fault: a missing or short secret always;
    a template secret, plain http, missing rate limits or a demo password in production.
    """
    if problems := list(find_problems(settings)):
        raise SettingsError("; ".join(problems))


def find_problems(settings: Settings) -> Iterator[str]:
    """Return a sentence for everything that is unsafe. None of them holds a value."""
    yield from _find_weak_secrets(settings)
    mail_seconds = SMTP_DEADLINES * settings.smtp_timeout_seconds
    yield from _unless(
        settings.job_lease_seconds >= mail_seconds + 10,
        "JOB_LEASE_SECONDS must outlast SMTP_TIMEOUT_SECONDS several times",
    )
    yield from _find_provider_problems(settings)
    if settings.production:
        yield from _find_production_problems(settings)


def _find_weak_secrets(settings: Settings) -> Iterator[str]:
    for name in SIGNING_SECRETS:
        value = getattr(settings, name).get_secret_value()
        variable = name.upper()
        if not value:
            yield f"{variable} is missing: set {variable} or {variable}_FILE"
        else:
            yield from _find_weakness(variable, value)
            yield from _find_pattern(variable, value) if settings.production else ()
    for name in ("jwt_secret_previous", "jwt_refresh_secret_previous", "metrics_token"):
        yield from _find_weakness(name.upper(), getattr(settings, name).get_secret_value())
    yield from _unless(
        not settings.jwt_secret or settings.jwt_secret != settings.jwt_refresh_secret,
        "JWT_REFRESH_SECRET must differ from JWT_SECRET",
    )
    yield from _find_weak_keys(settings)


def _find_weak_keys(settings: Settings) -> Iterator[str]:
    try:
        keys = settings.ring_keys
    except SettingsError as error:
        yield str(error)
        return
    if settings.production and any(len(set(key)) < SECRET_MIN_DISTINCT for key in keys):
        yield "ENCRYPTION_KEYS holds a pattern: make random keys"


def _find_weakness(variable: str, value: str) -> Iterator[str]:
    if value and len(value.encode()) < SECRET_MIN_BYTES:
        yield f"{variable} is too short: it needs {SECRET_MIN_BYTES} characters or more"


def _find_pattern(variable: str, value: str) -> Iterator[str]:
    looks_like_template = any(mark in value.lower() for mark in TEMPLATE_MARKS)
    if looks_like_template or len(set(value)) < SECRET_MIN_DISTINCT:
        yield f"{variable} is a template or a pattern: make a random one"


def _find_provider_problems(settings: Settings) -> Iterator[str]:
    if not settings.oidc_issuer:
        return
    for name in ("oidc_client_id", "oidc_client_secret"):
        given = bool(getattr(settings, name))  # a secret is as long as its value
        yield from _unless(given, f"{name.upper()} is missing: OIDC_ISSUER is set")
    yield from _unless(
        "openid" in settings.oidc_scopes.split(),
        "OIDC_SCOPES must hold openid",
    )
    yield from _unless(
        not settings.oidc_client_id or settings.oidc_audience != settings.oidc_client_id,
        "OIDC_AUDIENCE must differ from OIDC_CLIENT_ID, or id tokens would do",
    )
    yield from _unless(
        bool(settings.oidc_roles_claim) == bool(settings.oidc_role_map),
        "OIDC_ROLES_CLAIM and OIDC_ROLE_MAP belong together: set both or none",
    )
    schemes = ("https://",) if settings.production else ("https://", "http://")
    for name in ("oidc_issuer", "oidc_logout_url"):
        url = getattr(settings, name) or schemes[0]
        yield from _unless(url.startswith(schemes), f"{name.upper()} must be an https address")


def _find_production_problems(settings: Settings) -> Iterator[str]:
    webhook = settings.audit_anchor_webhook.get_secret_value() or "https://"
    demo = settings.demo_password.get_secret_value()
    for holds, words in (
        (_is_https(settings.public_url), "PUBLIC_URL must be the https address people open"),
        (settings.ratelimit_enabled, "RATELIMIT_ENABLED cannot be off in production"),
        (settings.cookie_secure, "COOKIE_SECURE cannot be off in production"),
        (_is_https(webhook), "AUDIT_ANCHOR_WEBHOOK must be an https address"),
        (not demo, "DEMO_PASSWORD is set: demo people cannot exist in production"),
    ):
        yield from _unless(holds, words)


def _is_https(url: str) -> bool:
    return url.startswith("https://")


def _unless(holds: bool, words: str) -> Iterator[str]:
    if not holds:
        yield words


def main() -> None:
    """Say what is wrong with the settings and end with 1, before anything is started with them."""
    try:
        check_settings(load_settings())
    except SettingsError as error:
        sys.exit(f"Not configured: {error}")


if __name__ == "__main__":
    main()
