"""Asking the site as a visitor would, at an address of our choice: it works before DNS does."""

import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 4.0
LARGEST_BYTES = 1_048_576


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, empty where it is not there."""
        return self.headers.get(name, "")

    def count(self, name: str) -> int:
        """Return how often a header is there."""
        return len(self.headers.get_all(name) or [])


class Site:
    """The site behind PUBLIC_URL, asked at `address`. No redirect is followed."""

    def __init__(self, public_url: str, *, address: str, ca: Path | None = None) -> None:
        url = urlsplit(public_url)
        self.host = url.hostname or "localhost"
        self.port = url.port or 443
        self.address, self.ca = address, ca

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        trust: bool = False,
    ) -> Answer:
        """Send one request by https. With `trust` the chain must be good. Raises OSError."""
        connection = _Connection(self, self.context(trust=trust))
        return _exchange(connection, method, path, headers or {}, body)

    def ask_plainly(self, path: str, *, port: int = 80) -> Answer:
        """Send one request by http. Raises OSError."""
        connection = http.client.HTTPConnection(self.address, port, timeout=SECONDS)
        return _exchange(connection, "GET", path, {"Host": self.host}, None)

    def context(self, *, trust: bool) -> ssl.SSLContext:
        """Return how TLS is spoken."""
        context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        if not trust:  # the chain is looked at by a check of its own
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def accepts(self, version: ssl.TLSVersion) -> bool:
        """Tell whether it speaks this version of TLS. Raises OSError where nothing listens."""
        context = self.context(trust=False)
        context.set_ciphers("ALL:@SECLEVEL=0")  # ours must not be what refuses
        context.minimum_version = context.maximum_version = version
        with socket.create_connection((self.address, self.port), timeout=SECONDS) as plain:
            try:
                context.wrap_socket(plain, server_hostname=self.host).close()
            except (ssl.SSLError, ConnectionResetError):
                return False
        return True


class _Connection(http.client.HTTPSConnection):
    def __init__(self, site: Site, context: ssl.SSLContext) -> None:
        super().__init__(site.host, site.port, timeout=SECONDS, context=context)
        self._address, self._tls = site.address, context

    def connect(self) -> None:
        """Connect to the address, and speak to the host."""
        plain = socket.create_connection((self._address, self.port), timeout=SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
) -> Answer:
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read(LARGEST_BYTES))
    except http.client.HTTPException as error:
        raise OSError(f"no sound answer: {type(error).__name__}") from None
    finally:
        connection.close()
