"""Reading the provider's documents: bounded in time and size, and believed only from its issuer."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import pytest

from medical_ai.auth.provider import discovery
from medical_ai.auth.provider.bearer import ProviderKeys
from medical_ai.auth.provider.discovery import Discovery, fetch_json
from medical_ai.core.errors import UpstreamUnavailable
from tests.support.settings import make_settings

ISSUER = "https://login.example.org/"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example.org/authorize",
    "token_endpoint": "https://login.example.org/oauth/token",
    "jwks_uri": "https://login.example.org/keys",
}


class Odd(BaseHTTPRequestHandler):
    """Answers as no provider should."""

    def do_GET(self) -> None:
        """Answer by the path."""
        answers: dict[str, Callable[[], None]] = {
            "/good": lambda: self._send(b'{"a": 1}'),
            "/list": lambda: self._send(b"[1]"),
            "/nonsense": lambda: self._send(b"<html>"),
            "/huge": lambda: self._send(b'{"a": "' + b"x" * 400_000 + b'"}'),
            "/moved": lambda: self._send(b"", 302),
            "/broken": lambda: self._send(b"{}", 500),
            "/dripping": self._drip,
        }
        answers[self.path]()

    def _send(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/good")
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(40):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.2)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[str]:
    """A server that answers oddly."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_object_is_read(odd: str) -> None:
    assert fetch_json(f"{odd}/good", timeout_seconds=2) == {"a": 1}


@pytest.mark.parametrize("path", ["list", "nonsense", "huge", "moved", "broken"])
def test_anything_else_is_not(odd: str, path: str) -> None:
    with pytest.raises((ValueError, OSError)):
        fetch_json(f"{odd}/{path}", timeout_seconds=5)


def test_an_answer_that_drips_is_given_up(odd: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="too slow"):
        fetch_json(f"{odd}/dripping", timeout_seconds=1)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": ISSUER.rstrip("/")},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://login.example.org/keys"},
        {"token_endpoint": "file:///etc/passwd"},
    ],
)
def test_a_document_that_is_not_quite_right_is_none(changed: dict[str, Any]) -> None:
    found = Discovery(make_settings(oidc_issuer=ISSUER))
    with (
        patch.object(discovery, "fetch_json", return_value=DOCUMENT | changed),
        pytest.raises(UpstreamUnavailable) as error,
    ):
        found.metadata()
    assert error.value.retry_after_seconds == 5


def test_a_failed_look_is_not_repeated_at_once_and_an_older_document_is_kept() -> None:
    found = Discovery(make_settings(oidc_issuer=ISSUER))
    with patch.object(discovery, "time") as watch:
        watch.monotonic.return_value = 100.0
        with patch.object(discovery, "fetch_json", side_effect=OSError) as asked:
            for _ in range(5):
                with pytest.raises(UpstreamUnavailable):
                    found.metadata()
            assert asked.call_count == 1
        with patch.object(discovery, "fetch_json", return_value=DOCUMENT) as asked:
            watch.monotonic.return_value += 6
            assert found.metadata() is found.metadata() is DOCUMENT
            assert asked.call_args.args == (ISSUER + ".well-known/openid-configuration",)
        with patch.object(discovery, "fetch_json", side_effect=OSError) as asked:
            watch.monotonic.return_value += 3601
            assert found.metadata() is DOCUMENT
            assert asked.call_count == 1


def test_keys_are_not_asked_for_again_at_once() -> None:
    settings = make_settings(oidc_issuer=ISSUER)
    keys = ProviderKeys(settings, Discovery(settings))
    with patch.object(discovery, "fetch_json", side_effect=OSError) as asked:
        for _ in range(5):
            with pytest.raises(Exception, match=r"no keys|away"):
                keys.get_signing_key("k")
    assert asked.call_count == 1
