"""Access tokens whose signature was checked a moment ago.

A browser sends the same token with every request for a quarter of an hour; checking its signature
each time is most of what a small request costs. What is remembered is only that the signature and
the fixed claims held. Expiry is compared on every use, and whether the session still lives is
asked of the database on every request, remembered token or not.
"""

import threading
import time
from collections import OrderedDict
from typing import Any

KEPT = 1024


class VerifiedTokens:
    """A bounded memory of one process; the least recently used token is forgotten first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._claims: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._kept = kept
        self._lock = threading.Lock()

    def get(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that was checked and has not expired since."""
        with self._lock:
            claims = self._claims.get(token)
            if claims is None:
                return None
            if claims["exp"] <= time.time():
                del self._claims[token]
                return None
            self._claims.move_to_end(token)
            return claims

    def put(self, token: str, claims: dict[str, Any]) -> None:
        """Remember a token whose signature was just checked."""
        with self._lock:
            self._claims[token] = claims
            while len(self._claims) > self._kept:
                self._claims.popitem(last=False)
