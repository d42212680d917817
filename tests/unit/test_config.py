"""Settings: where they come from, what is refused, and that a refusal never shows a value."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from medical_ai.core.config import (
    SIGNING_SECRETS,
    Settings,
    SettingsError,
    load_settings,
)
from medical_ai.core.settings_checks import check_settings
from tests.support.settings import SECRETS, make_settings

CANARY = "canary-value"
MADE_UP = "anything at all"
SAFE = {"production": True, "ratelimit_enabled": True, "public_url": "https://a.example.org"}


def refusal(**overrides: Any) -> str:
    """Return what the refusal of these settings says."""
    with pytest.raises(SettingsError) as error:
        check_settings(make_settings(**overrides))
    return str(error.value)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PORT", "2525")
    assert load_settings().smtp_port == 2525


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PORT", "")
    assert load_settings().smtp_port == 587


def test_the_env_file_is_read_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "some.env"
    file.write_text("SMTP_PORT=2525\nSMTP_HOST=mail.example.org\nUNKNOWN=1\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    monkeypatch.setenv("SMTP_HOST", "other.example.org")
    loaded = load_settings()
    assert (loaded.smtp_port, loaded.smtp_host) == (2525, "other.example.org")


def test_secrets_can_lie_together_behind_one_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "set_jwt_secret").write_text("among the others\n")
    (tmp_path / "one").write_text("by its own name\n")
    monkeypatch.setenv("SECRETS_PREFIX", f"{tmp_path}/set_")
    loaded = load_settings()
    assert loaded.jwt_secret.get_secret_value() == "among the others"
    assert loaded.smtp_password.get_secret_value() == ""
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "one"))
    assert load_settings().jwt_secret.get_secret_value() == "by its own name"


def test_a_secret_behind_the_prefix_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "jwt_secret").mkdir()
    monkeypatch.setenv("SECRETS_PREFIX", f"{tmp_path}/")
    with pytest.raises(SettingsError, match="JWT_SECRET"):
        load_settings()


def test_a_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text("from the file\n")
    monkeypatch.setenv("JWT_SECRET_FILE", str(file))
    assert load_settings().jwt_secret.get_secret_value() == "from the file"
    monkeypatch.setenv("JWT_SECRET", "from the environment")
    assert load_settings().jwt_secret.get_secret_value() == "from the environment"


def test_a_named_file_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / CANARY))
    with pytest.raises(SettingsError, match="JWT_SECRET_FILE") as error:
        load_settings()
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    "variable",
    ["SMTP_PORT", "PRODUCTION", "LOG_LEVEL", "SMTP_SECURITY", "JOB_THREADS", "WORKER_TICK_SECONDS"],
)
def test_a_value_that_does_not_fit_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, CANARY)
    with pytest.raises(SettingsError, match=variable) as error:
        load_settings()
    assert CANARY not in str(error.value)


def test_the_defaults_are_those_of_production() -> None:
    defaults = Settings()
    assert (defaults.production, defaults.ratelimit_enabled, defaults.cookie_secure) == (
        True,
        True,
        True,
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_settings().smtp_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", SIGNING_SECRETS)
@pytest.mark.parametrize("value", ["", CANARY])
def test_a_missing_or_short_secret_is_refused_even_on_a_laptop(name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert name.upper() in said
    assert CANARY not in said


@pytest.mark.parametrize("name", SIGNING_SECRETS)
@pytest.mark.parametrize(
    "value",
    [
        "change-me-" + "x1y2z3w4" * 5,
        "your-4WqI6CtMP8jSp07mABoRMglC1pQFhByg",  # pragma: allowlist secret - made up
        "this-is-a-SECRET-of-the-template-0123456789",
        "ab" * 40,
    ],
)
def test_a_template_or_pattern_is_refused_in_production(name: str, value: str) -> None:
    said = refusal(**SAFE, **{name: value})
    assert name.upper() in said
    assert value not in said


def test_access_and_refresh_need_secrets_of_their_own() -> None:
    assert "JWT_REFRESH_SECRET" in refusal(jwt_refresh_secret=SECRETS["jwt_secret"])


@pytest.mark.parametrize(
    "value", ["", "not base64!", base64.b64encode(b"short").decode(), f"{CANARY},{CANARY}"]
)
def test_keys_that_are_no_keys_are_refused(value: str) -> None:
    said = refusal(encryption_keys=value)
    assert "ENCRYPTION_KEYS" in said
    assert CANARY not in said


def test_a_key_that_is_a_pattern_is_refused_in_production() -> None:
    zeros = base64.b64encode(bytes(32)).decode()
    assert "ENCRYPTION_KEYS" in refusal(**SAFE, encryption_keys=zeros)


@pytest.mark.parametrize(
    ("change", "variable"),
    [
        ({"public_url": "http://a.example.org"}, "PUBLIC_URL"),
        ({"ratelimit_enabled": False}, "RATELIMIT_ENABLED"),
        ({"cookie_secure": False}, "COOKIE_SECURE"),
        ({"demo_password": MADE_UP}, "DEMO_PASSWORD"),
    ],
)
def test_what_only_a_laptop_may_have_is_refused_in_production(
    change: dict[str, Any], variable: str
) -> None:
    assert variable in refusal(**SAFE | change)
    check_settings(make_settings(**change))


def test_safe_settings_are_accepted_in_production() -> None:
    check_settings(make_settings(**SAFE))


def test_secrets_never_show_when_settings_are_printed() -> None:
    shown = repr(make_settings()) + str(make_settings())
    assert all(value not in shown for value in SECRETS.values())


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert (field.description or "").endswith("."), name


def test_the_tests_read_nothing_of_the_developers(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SMTP_PORT=1\n")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert make_settings().smtp_port == 587
    finally:
        os.chdir(before)


PROVIDER = {
    "oidc_issuer": "https://login.example.org/",
    "oidc_client_id": "medical-assistant",
    "oidc_client_secret": MADE_UP,
}


def test_a_whole_identity_provider_is_accepted() -> None:
    check_settings(make_settings(**PROVIDER))
    check_settings(make_settings(**SAFE, **PROVIDER, oidc_audience="urn:our-api"))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"oidc_client_id": ""}, "OIDC_CLIENT_ID"),
        ({"oidc_client_secret": ""}, "OIDC_CLIENT_SECRET"),
        ({"oidc_scopes": "profile email"}, "OIDC_SCOPES"),
        ({"oidc_audience": "medical-assistant"}, "OIDC_AUDIENCE"),
        ({"oidc_roles_claim": "roles"}, "OIDC_ROLE_MAP"),
        ({"oidc_role_map": "a=doctor"}, "OIDC_ROLES_CLAIM"),
        ({"oidc_issuer": f"ftp://{CANARY}"}, "OIDC_ISSUER"),
        ({"oidc_issuer": f"http://{CANARY}", **SAFE}, "OIDC_ISSUER"),
        ({"oidc_logout_url": f"http://{CANARY}", **SAFE}, "OIDC_LOGOUT_URL"),
    ],
)
def test_half_an_identity_provider_is_refused(changed: dict[str, Any], named: str) -> None:
    said = refusal(**(PROVIDER | changed))
    assert named in said
    assert CANARY not in said


def test_without_an_issuer_the_rest_does_not_matter() -> None:
    check_settings(make_settings(oidc_audience="x", oidc_roles_claim="roles"))


def test_the_databases_owner_is_another_user_where_one_is_set() -> None:
    settings = make_settings(
        database_url="sqlite:////a.db", migration_database_url="sqlite:////b.db"
    )
    assert settings.sqlalchemy_url == "sqlite:////a.db"
    assert settings.as_owner().sqlalchemy_url == "sqlite:////b.db"
    alone = make_settings(database_url="sqlite:////a.db")
    assert alone.as_owner().sqlalchemy_url == "sqlite:////a.db"
