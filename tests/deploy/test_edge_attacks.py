"""Requests that mean one thing to nginx and another behind it, and clients that never finish."""

import contextlib
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.nginx import DOMAIN, Nginx
from tests.support.upstream import Upstream

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW_SOCKETS = 400
PROBE_SECONDS = 1.0


def raw(*headers: bytes, body: bytes = b"", line: bytes = b"POST /x HTTP/1.1") -> bytes:
    """Return a request exactly as written."""
    return b"\r\n".join([line, b"Host: localhost", *headers, b"", body])


CHUNKED_END = b"0\r\n\r\n"
PROBES = {
    "CL.TE": raw(
        b"Content-Length: %d" % len(CHUNKED_END + SMUGGLED),
        b"Transfer-Encoding: chunked",
        body=CHUNKED_END + SMUGGLED,
    ),
    "TE.CL": raw(
        b"Content-Length: 4",
        b"Transfer-Encoding: chunked",
        body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
    ),
    "TE.TE": raw(
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        body=CHUNKED_END + SMUGGLED,
    ),
    "two lengths": raw(
        b"Content-Length: 0",
        b"Content-Length: %d" % len(SMUGGLED),
        body=SMUGGLED,
    ),
    "a signed length": raw(b"Content-Length: +3", body=b"abc"),
    "a list of lengths": raw(b"Content-Length: 3, 3", body=b"abc"),
    "a space before the colon": raw(
        b"Transfer-Encoding : chunked", b"Content-Length: 0", body=SMUGGLED
    ),
    "an odd coding": raw(b"Transfer-Encoding: xchunked", body=CHUNKED_END + SMUGGLED),
    "a folded header": raw(b"X: y\r\n Transfer-Encoding: chunked", b"Content-Length: 0"),
    "a bare line feed": b"POST /x HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n"
    b"Content-Length: 3\n\nabc",
    "a bare carriage return": raw(b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 0"),
    "a nul": raw(b"X: a\0b", b"Content-Length: 0"),
    "HTTP/1.0 in chunks": raw(
        b"Transfer-Encoding: chunked", body=CHUNKED_END, line=b"POST /x HTTP/1.0"
    ),
    "a negative chunk": raw(b"Transfer-Encoding: chunked", body=b"-1\r\n" + SMUGGLED),
    "a huge chunk": raw(b"Transfer-Encoding: chunked", body=b"fffffffffffffffff\r\n" + SMUGGLED),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_request_with_two_meanings_has_none_behind_nginx(
    edge: Nginx, behind: Upstream, name: str
) -> None:
    """V4.2.1: what reaches the application is one request, framed by nginx, or none at all."""
    edge_answers(edge, PROBES[name])
    for seen in behind.seen:
        assert seen.path == "/x" or name in PIPELINED, name
        assert seen.all_of("Transfer-Encoding") == []
        assert len(seen.all_of("Content-Length")) <= 1
        assert len(seen.body) == int((seen.all_of("Content-Length") or ["0"])[0])
    # Whoever comes next on a connection of their own gets their own answer.
    assert edge.get("/mine").json()["path"] == "/mine"


PIPELINED = {"a space before the colon"}
"""Where nginx drops the odd header and rightly reads what follows as the same client's next."""


def edge_answers(edge: Nginx, request: bytes) -> bytes:
    """Send bytes as they are and return what comes until the other side is done."""
    received = b""
    with edge.connect() as connection:
        connection.settimeout(2)
        connection.sendall(request)
        try:
            while piece := connection.recv(65_536):
                received += piece
        except (TimeoutError, OSError):
            pass
    return received


def test_a_second_framing_is_refused_outright(edge: Nginx, behind: Upstream) -> None:
    for name in ("CL.TE", "TE.CL", "two lengths", "an odd coding", "a negative chunk"):
        status = edge_answers(edge, PROBES[name])[:12]
        assert status in {b"HTTP/1.1 400", b"HTTP/1.1 501"}, (name, status)
    assert behind.seen == []


def test_plain_http_inside_tls_and_the_other_way_round_reach_nothing(
    edge: Nginx, behind: Upstream
) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as connection:
        connection.sendall(raw(line=b"GET /x HTTP/1.1"))
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert behind.seen == []


def test_an_endless_line_or_too_many_headers_are_refused(edge: Nginx, behind: Upstream) -> None:
    assert edge.get("/" + "x" * 20_000).status == 414
    headers = {f"X-Filler-{number}": "x" * 4_000 for number in range(20)}
    assert edge.ask("GET", "/x", headers=headers).status == 400
    assert behind.seen == []


def test_four_hundred_clients_that_never_finish_keep_nobody_waiting(
    edge: Nginx, behind: Upstream
) -> None:
    def linger(_: int) -> ssl.SSLSocket:
        connection = edge.connect()
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        return connection

    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        slow = list(pool.map(linger, range(SLOW_SOCKETS)))
    longest = 0.0
    while time.monotonic() - started < 14:
        for connection in slow:
            drip(connection)
        asked_at = time.monotonic()
        assert edge.get("/health").status == 200
        longest = max(longest, time.monotonic() - asked_at)
        time.sleep(0.5)
    assert longest < PROBE_SECONDS
    # A header has ten seconds in all, however busily it drips.
    assert [seen.path for seen in behind.seen if seen.path != "/health"] == []
    assert sum(is_open(connection) for connection in slow) == 0


def drip(connection: ssl.SSLSocket) -> None:
    """Send one byte more, if anybody still listens."""
    with contextlib.suppress(OSError):
        connection.sendall(b"x")


def is_open(connection: ssl.SSLSocket) -> bool:
    """Tell whether the other side still holds a connection, and close it."""
    connection.settimeout(0.05)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        connection.close()
    return False


def test_a_body_that_does_not_come_never_reaches_the_application(
    edge: Nginx, behind: Upstream
) -> None:
    with edge.connect() as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nab")
        time.sleep(1)
        assert edge.get("/mine").status == 200
        connection.settimeout(12)
        assert connection.recv(4096)[:12] in {b"", b"HTTP/1.1 408"}  # it was let go
    assert [seen.path for seen in behind.seen] == ["/mine"]


def test_it_listens_for_no_name_but_its_own(edge: Nginx, behind: Upstream) -> None:
    request = f"GET /x HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {DOMAIN}\r\n\r\n"
    assert edge_answers(edge, request.encode()).startswith(b"HTTP/1.1 421")
    assert behind.seen == []
