"""Who is acting, as the token says it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from medical_ai.core.errors import PermissionDenied

NOT_ALLOWED = "Your role does not allow this."
Via = Literal["api", "web", "token", "mcp", "cli", "worker"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person on whose behalf something happens, made from the JWT alone.

    `permissions` are those of the role in the token's hospital; `via` is the way they came in;
    `family_id` is the refresh token family, that is the signed-in session.
    """

    user_id: UUID
    tenant_id: UUID
    role: str
    permissions: frozenset[str]
    username: str
    via: Via
    family_id: UUID | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the actor's role carries a permission."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise PermissionDenied unless the actor's role carries the permission."""
        if not self.may(permission):
            raise PermissionDenied(NOT_ALLOWED)
