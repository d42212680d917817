"""`config check`: everything that is wrong is named at once, and no value is shown."""

import os
from pathlib import Path

import pytest

from medical_ai.core.config import Settings
from medical_ai.ops.host.config_check import SECRET_NAMES, check_config, known_names
from medical_ai.ops.host.findings import Level
from tests.support.host import Installation

CANARY = "canary-value"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A sound one."""
    return Installation(tmp_path / "host")


def errors_of(installation: Installation) -> str:
    """Return what is wrong with the installation's settings."""
    checked = check_config(installation.layout, installation.env_file)
    return "\n".join(one.found for one in checked.findings if one.level is Level.FAIL)


def test_a_sound_installation_is_good(installation: Installation) -> None:
    checked = check_config(installation.layout, installation.env_file)
    wrong = [one.found for one in checked.findings if os.geteuid() == 0]
    assert wrong == []
    assert checked.given == 3 + 4


def test_every_value_at_fault_is_named_at_once(installation: Installation) -> None:
    installation.write_settings(
        f"SMTP_PORT={CANARY}",
        "LOG_FORMAT=loud",
        "COOKIE_SECURE=false",
        "OIDC_ISSUER=https://login.example.org",
        "OIDC_ROLES_CLAIM=roles",
        "OIDC_ROLE_MAP=surgeons=king",
        public_url=f"http://{CANARY}",
    )
    installation.write_secret("jwt_secret", "short")
    said = errors_of(installation)
    for name in (
        "SMTP_PORT", "LOG_FORMAT", "COOKIE_SECURE", "PUBLIC_URL", "JWT_SECRET", "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET", "OIDC_ROLE_MAP",
    ):  # fmt: skip
        assert name in said
    assert CANARY not in said


def test_the_rules_are_those_of_production(installation: Installation) -> None:
    installation.write_settings("PRODUCTION=false", "RATELIMIT_ENABLED=false")
    said = errors_of(installation)
    assert "PRODUCTION is off" in said
    assert "RATELIMIT_ENABLED" in said


def test_the_shells_own_variables_do_not_count(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PORT", "nonsense")
    assert "SMTP_PORT" not in errors_of(installation)
    assert os.environ["SMTP_PORT"] == "nonsense"


@pytest.mark.parametrize(
    ("name", "mode"), [("secrets/jwt_secret", 0o640), ("secrets", 0o755), ("medical-ai.env", 0o644)]
)
def test_what_others_could_read_is_an_error(
    installation: Installation, name: str, mode: int
) -> None:
    (installation.layout.etc / name).chmod(mode)
    assert "open to more than it should be" in errors_of(installation)


def test_a_secret_among_the_settings_is_a_warning(installation: Installation) -> None:
    installation.write_settings(f"SMTP_PASSWORD={CANARY}")
    checked = check_config(installation.layout, installation.env_file)
    [warned] = [one for one in checked.findings if one.level is Level.WARN]
    assert "SMTP_PASSWORD" in warned.found
    assert "secrets/smtp_password" in warned.mend
    assert CANARY not in warned.found + warned.mend


@pytest.mark.parametrize("content", [b"A=\0", b"\xff\xfe", b"A" * 1_048_577])
def test_what_is_no_file_of_settings_is_refused(installation: Installation, content: bytes) -> None:
    installation.env_file.write_bytes(content)
    assert str(installation.env_file) in errors_of(installation)


def test_a_file_that_is_not_there_is_named(installation: Installation) -> None:
    installation.env_file.unlink()
    assert "No such file" in errors_of(installation)


def test_what_gunicorn_reads_is_known_too() -> None:
    assert {"WEB_CONCURRENCY", "BIND", "PUBLIC_URL"} <= known_names()


def test_every_secret_setting_is_known_as_one() -> None:
    assert {"jwt_secret", "smtp_password", "database_url", "encryption_keys"} <= SECRET_NAMES
    assert "public_url" not in SECRET_NAMES
    assert set(Settings.model_fields) > SECRET_NAMES


def test_the_template_itself_has_no_line_that_two_readers_read_differently(
    installation: Installation,
) -> None:
    template = Path(__file__).resolve().parents[2] / ".env.template"
    installation.env_file.write_text(template.read_text())
    said = errors_of(installation)
    assert f"{installation.env_file}:" not in said
