"""Domain errors. Each knows the HTTP status and problem type it becomes; none knows Flask.

A message is written for the person who reads it and never repeats what they sent.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: its path and a sentence."""

    loc: str
    message: str


class DomainError(Exception):
    """Something the caller can understand and act on."""

    status = 500
    slug = "internal"
    title = "Something went wrong"
    keeps_work = False
    """True where the refusal itself is a fact that must be stored, such as a revoked family."""
    is_recorded = False
    """True once the log has an event for it: whoever answers with it writes no second one."""

    def __init__(self, detail: str = "", *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after_seconds = retry_after_seconds
        self.fields: tuple[FieldProblem, ...] = ()


class Malformed(DomainError):
    """The request could not be read at all."""

    status, slug, title = 400, "malformed", "The request could not be read"


class Unauthenticated(DomainError):
    """No, or no valid, proof of who is asking."""

    status, slug, title = 401, "unauthenticated", "Please sign in"
    keeps_work = True

    def __init__(self, detail: str = "", *, invalid_token: bool = False) -> None:
        super().__init__(detail)
        self.invalid_token = invalid_token


class PermissionDenied(DomainError):
    """Known, but not allowed."""

    status, slug, title = 403, "forbidden", "This is not allowed"


class NotFound(DomainError):
    """Not there, or not for this caller: outsiders cannot tell the two apart."""

    status, slug, title = 404, "not-found", "There is nothing here"


class Conflict(DomainError):
    """The present state does not admit the change."""

    status, slug, title = 409, "conflict", "This does not fit the present state"


class TooLarge(DomainError):
    """More bytes than are accepted."""

    status, slug, title = 413, "too-large", "This is too large"


class UnsupportedMedia(DomainError):
    """Not a kind of content this endpoint reads."""

    status, slug, title = 415, "unsupported-media-type", "This kind of content is not accepted"


class InvalidInput(DomainError):
    """Readable, but some fields are wrong; `fields` says which and why."""

    status, slug, title = 422, "invalid-input", "Some fields need another look"

    def __init__(self, detail: str = "", *, fields: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields


class TooManyRequests(DomainError):
    """Slow down; `retry_after_seconds` says for how long."""

    status, slug, title = 429, "too-many-requests", "Too many requests"
    keeps_work = True


class UpstreamUnavailable(DomainError):
    """Something this needs is away; trying again later will help."""

    status, slug, title = 503, "unavailable", "This is unavailable right now"
