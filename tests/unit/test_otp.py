"""Codes of authenticator apps and recovery codes, and for which site passkeys are made."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from medical_ai.auth import otp
from medical_ai.auth.relying_party import RelyingParty, relying_party
from medical_ai.core.config import SettingsError, load_settings
from tests.support.settings import make_settings

RFC_6238_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # pragma: allowlist secret - the RFC's own
SOMEBODY, ANOTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    # RFC 6238 appendix B, cut to six figures.
    moment = datetime.fromtimestamp(second, UTC)
    assert otp.code_at(RFC_6238_SECRET, otp.step_of(moment)) == code
    assert otp.matching_step(RFC_6238_SECRET, code, moment) == otp.step_of(moment)


@pytest.mark.parametrize(("seconds", "fits"), [(-31, False), (-1, True), (59, True), (60, False)])
def test_one_step_of_drift_is_accepted(seconds: int, fits: bool) -> None:
    start = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    code = otp.code_at(RFC_6238_SECRET, otp.step_of(start))
    found = otp.matching_step(RFC_6238_SECRET, code, start + timedelta(seconds=seconds))
    assert (found is not None) == fits


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abc123", "&¦QI🎉3"])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert otp.matching_step(RFC_6238_SECRET, code, datetime.now(UTC)) is None


def test_the_address_for_apps_names_the_account_and_the_issuer() -> None:
    uri = urlsplit(otp.enrolment_uri(RFC_6238_SECRET, "alice@example.org"))
    asked = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path.endswith("alice%40example.org") or uri.path.endswith("alice@example.org")
    assert asked["secret"] == [RFC_6238_SECRET]
    assert asked["issuer"] == [otp.ISSUER]


def test_secrets_are_long_random_and_read_in_groups() -> None:
    secrets = {otp.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(one) for one in secrets} == {32}
    assert otp.in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_recovery_codes_differ_and_are_read_as_people_type_them() -> None:
    codes = otp.new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(otp.plain(code)) == 16 for code in codes)
    assert not any(otp.TOTP_CODE.fullmatch(otp.plain(code)) for code in codes)
    typed = f" {codes[0].upper().replace('-', ' ')} "
    assert otp.recovery_hash(SOMEBODY, typed) == otp.recovery_hash(SOMEBODY, codes[0])
    assert otp.recovery_hash(SOMEBODY, codes[0]) != otp.recovery_hash(ANOTHER, codes[0])


@pytest.mark.parametrize(
    ("public_url", "production", "asked", "expected"),
    [
        (
            "https://a.example.org",
            True,
            "a.example.org",
            ("a.example.org", "https://a.example.org"),
        ),
        (
            "https://a.example.org",
            True,
            "localhost:5000",
            ("a.example.org", "https://a.example.org"),
        ),
        ("https://a.example.org", True, "evil.example", ("a.example.org", "https://a.example.org")),
        ("https://a.example.org:8443", True, "x", ("a.example.org", "https://a.example.org:8443")),
        ("http://127.0.0.1:5000", False, "localhost:5000", ("localhost", "http://localhost:5000")),
        ("http://127.0.0.1:5000", False, "localhost.evil.example", None),
        ("http://127.0.0.1:5000", False, "127.0.0.1:5000", None),
        ("https://192.0.2.7", True, "localhost", None),
        ("https://[2001:db8::1]", True, "localhost", None),
    ],
)
def test_passkeys_are_made_for_the_public_name(
    public_url: str, production: bool, asked: str, expected: tuple[str, str] | None
) -> None:
    settings = make_settings(public_url=public_url, production=production)
    found = relying_party(settings, asked)
    assert found == (RelyingParty(*expected) if expected else None)


def test_a_role_that_does_not_exist_is_no_policy() -> None:
    assert make_settings(second_factor_required_roles="none").second_factor_roles == frozenset()
    assert make_settings().second_factor_roles == {"doctor", "nurse", "billing", "administrator"}
    with pytest.raises(SettingsError, match="SECOND_FACTOR_REQUIRED_ROLES"):
        load_settings(second_factor_required_roles="docter,nurse")
