"""What a provider's claims mean: roles by the list, permissions that only narrow, odd forms."""

from typing import Any

import pytest

from medical_ai.auth.permissions import Role
from medical_ai.auth.provider.claims import (
    hospital_of,
    narrowed,
    parse_role_map,
    read_person,
    role_of,
)
from medical_ai.core.config import Settings, SettingsError
from medical_ai.core.errors import PermissionDenied
from tests.support.settings import make_settings

ROLES = "urn:test:roles"
ODD = [None, 7, True, {}, {"a": "b"}, [["physician"]], [None, 3], "", "nobody"]


@pytest.fixture
def settings() -> Settings:
    """Settings with every claim configured."""
    return make_settings(
        oidc_roles_claim=ROLES,
        oidc_role_map=" chief=administrator, physician=doctor ,a=b=nurse",
        oidc_permissions_claim="permissions",
        oidc_hospital_claim="hospital",
    )


def test_the_first_pair_of_the_list_that_fits_counts(settings: Settings) -> None:
    assert role_of({ROLES: ["physician", "chief"]}, settings) is Role.ADMINISTRATOR
    assert role_of({ROLES: "physician other"}, settings) is Role.DOCTOR
    assert role_of({ROLES: ["a=b"]}, settings) is Role.NURSE


@pytest.mark.parametrize("value", [*ODD, ["doctor"], ["administrator"]])
def test_a_role_that_is_not_on_the_list_is_none(settings: Settings, value: Any) -> None:
    assert role_of({ROLES: value}, settings) is Role.PATIENT


def test_a_provider_that_does_not_speak_of_roles_changes_none(settings: Settings) -> None:
    assert role_of({}, settings) is None
    assert role_of({ROLES: ["physician"]}, make_settings()) is None


@pytest.mark.parametrize("value", ["physician", "=doctor", "physician=surgeon", "a=doctor,b"])
def test_a_list_of_no_use_is_refused_without_quoting_it(value: str) -> None:
    with pytest.raises(SettingsError, match="OIDC_ROLE_MAP") as error:
        parse_role_map(make_settings(oidc_role_map=value))
    assert "surgeon" not in str(error.value)


def test_permissions_are_narrowed_and_never_added(settings: Settings) -> None:
    held = frozenset({"chat:use", "record:read"})
    assert narrowed(held, {}, settings) == held
    assert narrowed(held, {"permissions": ["chat:use", "staff:manage"]}, settings) == {"chat:use"}
    assert narrowed(held, {"permissions": []}, make_settings()) == held
    for value in ODD:
        assert narrowed(held, {"permissions": value}, settings) == frozenset()


def test_a_hospital_is_a_text_or_none_is_named(settings: Settings) -> None:
    assert hospital_of({"hospital": "riverside"}, settings) == "riverside"
    assert hospital_of({"hospital": "riverside"}, make_settings()) == ""
    assert {hospital_of({"hospital": value}, settings) for value in (None, 7, ["a"])} == {""}


@pytest.mark.parametrize("subject", [None, "", 7, [], "x" * 256])
def test_nobody_is_somebody_without_a_subject(settings: Settings, subject: Any) -> None:
    with pytest.raises(PermissionDenied):
        read_person({"sub": subject}, settings)


@pytest.mark.parametrize("verified", ["true", 1, None, "yes", [True]])
def test_only_true_is_true(settings: Settings, verified: Any) -> None:
    claims = {"sub": "s", "email": "a@example.org", "email_verified": verified}
    assert not read_person(claims, settings).email_is_verified
    assert read_person(claims | {"email_verified": True}, settings).email_is_verified


@pytest.mark.parametrize("email", [None, 7, "", "nobody", f"{'a' * 300}@example.org", "a@b@c"])
def test_an_address_of_no_use_is_none(settings: Settings, email: Any) -> None:
    assert read_person({"sub": "s", "email": email}, settings).email == ""


def test_a_name_is_made_plain_and_short(settings: Settings) -> None:
    def name(**claims: Any) -> str:
        return read_person({"sub": "s"} | claims, settings).name

    assert name(name=" Ada\x00\n Love\u202elace ") == "Ada Lovelace"
    assert name(name="\x07", nickname="ada") == "ada"
    assert name(name=7, preferred_username="al") == "al"
    assert len(name(name="x" * 500)) == 64
    assert name() == ""
