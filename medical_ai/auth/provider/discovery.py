"""Where the provider answers, as its discovery document says (OpenID Connect Discovery 1.0).

The issuer's name must be ours letter by letter: a document of another issuer, or one that sends us
to plain http, is as good as none.
"""

import json
import threading
import time
from typing import Any

from medical_ai.core.config import Settings
from medical_ai.core.errors import UpstreamUnavailable
from medical_ai.core.logging import get_logger

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_SECONDS = 3600.0
RETRY_SECONDS = 5.0
MAX_BYTES = 262_144
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
AWAY = "The identity provider does not answer. Nothing was changed."

Metadata = dict[str, Any]


def away() -> UpstreamUnavailable:
    """Return the error that says so, and when to come back."""
    return UpstreamUnavailable(AWAY, retry_after_seconds=int(RETRY_SECONDS))


class Discovery:
    """The discovery document of one issuer, read when first needed and kept for an hour.

    A failed look is not repeated for some seconds: while the provider is away, requests must not
    queue up behind its timeouts. A document read before goes on being used meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._timeout_seconds = settings.oidc_timeout_seconds
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._look_at = 0.0

    def metadata(self) -> Metadata:
        """Return the document. Raises UpstreamUnavailable."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look()
            if self._metadata is None:
                raise away()
            return self._metadata

    def _look(self) -> None:
        kept_seconds = RETRY_SECONDS
        try:
            self._metadata = self._fetch()
            kept_seconds = KEPT_SECONDS
        except (OSError, ValueError) as error:
            get_logger().warning("provider.discovery-failed", exc_info=error)
        self._look_at = time.monotonic() + kept_seconds

    def _fetch(self) -> Metadata:
        address = self._issuer.rstrip("/") + WELL_KNOWN
        found = fetch_json(address, timeout_seconds=self._timeout_seconds)
        if found.get("issuer") != self._issuer:
            raise ValueError("the document names another issuer")
        secure = self._issuer.startswith("https://")
        for name in NEEDED:
            url = str(found.get(name, ""))
            if not url.startswith("https://" if secure else ("http://", "https://")):
                raise ValueError("the document lacks an endpoint, or names it without https")
        return found


def fetch_json(url: str, *, timeout_seconds: int) -> dict[str, Any]:
    """Read a JSON object: no redirects, not endlessly much, and not for ever.

    Raises OSError, as all of requests' errors are, or ValueError for what is not a JSON object.
    """
    import requests  # 5 MiB, which processes without a provider go without

    deadline = time.monotonic() + timeout_seconds
    body = bytearray()
    with requests.get(url, timeout=timeout_seconds, allow_redirects=False, stream=True) as response:
        if response.status_code != requests.codes.ok:
            raise ValueError("the answer is not 200")
        # Byte by byte: a larger piece is waited for as long as somebody goes on dripping.
        for piece in response.iter_content(1):
            body += piece
            if len(body) > MAX_BYTES or time.monotonic() > deadline:
                raise ValueError("the answer is too long or too slow")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("the answer is no object")
    return found
