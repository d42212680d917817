"""What the claims of an identity provider mean here. Pure: no network, no database.

Claims come out of tokens whose signature was checked; they are still somebody else's text, so each
is used only where it has the form it should have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from medical_ai.auth.permissions import Role
from medical_ai.auth.schemas import Email
from medical_ai.core.config import Settings, SettingsError
from medical_ai.core.errors import PermissionDenied

MAX_SUBJECT = 255
MAX_NAME = 64
NAMES = ("name", "nickname", "preferred_username")

_email = TypeAdapter(Email)


@dataclass(frozen=True, slots=True)
class ProviderPerson:
    """Somebody who signed in at the provider.

    `role` is None where the provider does not speak of roles; then what is known here counts.
    `hospital` is a short name, empty where it names none.
    """

    subject: str
    email: str
    email_is_verified: bool
    name: str
    role: Role | None
    hospital: str


def read_person(claims: Mapping[str, Any], settings: Settings) -> ProviderPerson:
    """Read who signed in. Raises PermissionDenied without a usable subject."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise PermissionDenied("The identity provider did not say who you are.")
    return ProviderPerson(
        subject=subject,
        email=_email_of(claims),
        email_is_verified=claims.get("email_verified") is True,
        name=_name_of(claims),
        role=role_of(claims, settings),
        hospital=hospital_of(claims, settings),
    )


def role_of(claims: Mapping[str, Any], settings: Settings) -> Role | None:
    """Return the role that the claims give, None where they do not speak of roles.

    Where they do, and none of them is on our list, the person is a patient: whoever lost their
    last role there must not keep it here.
    """
    name = settings.oidc_roles_claim
    if not name or name not in claims:
        return None
    held = _texts(claims[name])
    for theirs, ours in parse_role_map(settings):
        if theirs in held:
            return ours
    return Role.PATIENT


def hospital_of(claims: Mapping[str, Any], settings: Settings) -> str:
    """Return the short name of the hospital that the claims name, or an empty text."""
    value = claims.get(settings.oidc_hospital_claim) if settings.oidc_hospital_claim else None
    return value if isinstance(value, str) else ""


def narrowed(
    permissions: frozenset[str], claims: Mapping[str, Any], settings: Settings
) -> frozenset[str]:
    """Return those permissions that the claims leave; they never add one."""
    name = settings.oidc_permissions_claim
    if not name or name not in claims:
        return permissions
    return permissions & _texts(claims[name])


def parse_role_map(settings: Settings) -> list[tuple[str, Role]]:
    """Return the pairs of OIDC_ROLE_MAP in order. Raises SettingsError."""
    pairs = []
    for part in filter(None, (one.strip() for one in settings.oidc_role_map.split(","))):
        theirs, _, ours = (one.strip() for one in part.rpartition("="))
        if not theirs or ours not in set(Role):
            raise SettingsError(f"OIDC_ROLE_MAP needs pairs like theirs=ours; ours: {_roles()}")
        pairs.append((theirs, Role(ours)))
    return pairs


def _roles() -> str:
    return ", ".join(role.value for role in Role)


def _texts(value: Any) -> frozenset[str]:
    # RFC 8693 writes several values as one text with spaces, most providers as a list.
    values = value.split() if isinstance(value, str) else value
    if not isinstance(values, list):
        return frozenset()
    return frozenset(one for one in values if isinstance(one, str))


def _email_of(claims: Mapping[str, Any]) -> str:
    try:
        return _email.validate_python(claims.get("email"))
    except ValidationError:
        return ""


def _name_of(claims: Mapping[str, Any]) -> str:
    for name in NAMES:
        value = claims.get(name)
        if isinstance(value, str):
            plain = " ".join("".join(one for one in value if one.isprintable()).split())
            if plain:
                return plain[:MAX_NAME].strip()
    return ""
