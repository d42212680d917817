"""What the web process must reach over IP, so that its sandbox can refuse all the rest. Pure.

The web process sends no mail and posts no webhook: the worker does, out of the outbox. It asks the
database, the identity provider, and where request counts are kept.
"""

from collections.abc import Iterator
from enum import IntEnum
from urllib.parse import parse_qs, urlsplit

from medical_ai.core.config import Settings

LOOPBACK_NAMES = frozenset({"localhost", "::1", "ip6-localhost"})
WITHOUT_NETWORK = frozenset({"memory", "async+memory", "redis+unix", "unix", "sqlite"})


class Reach(IntEnum):
    """How far the process must reach."""

    NONE = 0
    LOOPBACK = 1
    OUTBOUND = 2


def find_reach(settings: Settings) -> Reach:
    """Return how far the web process must reach with these settings."""
    return max(_reaches(settings), default=Reach.NONE)


def _reaches(settings: Settings) -> Iterator[Reach]:
    yield reach_of(settings.database_url.get_secret_value())
    yield reach_of(settings.ratelimit_storage_url.get_secret_value())
    yield reach_of(settings.oidc_issuer)


def reach_of(url: str) -> Reach:
    """Return where what this URL names is."""
    if not url or urlsplit(url).scheme in WITHOUT_NETWORK:
        return Reach.NONE
    if urlsplit(url).scheme.startswith("mysql") and "unix_socket" in parse_qs(urlsplit(url).query):
        return Reach.NONE
    if urlsplit(url).scheme.startswith("sqlite"):
        return Reach.NONE
    host = urlsplit(url).hostname or "localhost"
    is_here = host in LOOPBACK_NAMES or host.startswith("127.")
    return Reach.LOOPBACK if is_here else Reach.OUTBOUND
