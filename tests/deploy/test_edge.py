"""What the shipped nginx site does by itself, with a stand-in for the application behind it."""

import gzip
import re
import time
from pathlib import Path

import pytest

from medical_ai.bootstrap import create_app
from tests.support.http import PROBLEM
from tests.support.nginx import DOMAIN, Nginx
from tests.support.processes import ROOT
from tests.support.settings import make_settings
from tests.support.upstream import PAUSE_SECONDS, Upstream

PAGES = {"Accept": "text/html,application/xhtml+xml"}
BODY_LIMIT = 1_048_576
SECURITY_HEADERS = (
    "Strict-Transport-Security",
    "Content-Security-Policy",
    "Permissions-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
)


def test_nginx_accepts_the_file_as_shipped_without_a_warning(edge: Nginx) -> None:
    checked = edge.test()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_one_sed_without_a_flag_puts_the_domain_everywhere() -> None:
    lines = (ROOT / "medical-ai-nginx.conf").read_text().splitlines()
    assert all(line.count("yourdomain.com") <= 1 for line in lines)


# -- https alone


def test_plain_http_leads_to_https_with_the_whole_address(edge: Nginx) -> None:
    answer = edge.get_plain("/app/today?day=2026-01-01")
    assert answer.status == 301
    assert answer.get("Location") == f"https://{DOMAIN}/app/today?day=2026-01-01"
    assert answer.get("Strict-Transport-Security") == ""


def test_the_certificates_renewal_is_answered_over_plain_http(edge: Nginx) -> None:
    challenge = edge.acme / ".well-known/acme-challenge"
    challenge.mkdir(parents=True)
    (challenge / "token").write_text("proof")
    answer = edge.get_plain("/.well-known/acme-challenge/token")
    assert (answer.status, answer.body) == (200, b"proof")
    assert edge.get_plain("/.well-known/acme-challenge/other").status == 404
    assert edge.get_plain("/.well-known/acme-challenge/../../../etc/passwd").status in {301, 400}


def test_other_names_get_no_answer_and_lead_nowhere_else(edge: Nginx) -> None:
    with pytest.raises(OSError, match=r"unrecognized name|UNRECOGNIZED_NAME"):
        edge.connect(name="other.test")
    answer = edge.get_plain("/x", host="evil.example")
    assert answer.get("Location") == f"https://{DOMAIN}/x"


# -- What reaches the application


def test_the_client_cannot_say_where_it_comes_from(edge: Nginx, behind: Upstream) -> None:
    edge.get(
        "/auth/me",
        X_Forwarded_For="203.0.113.66",
        X_Forwarded_Proto="http",
        X_Forwarded_Host="evil.example",
        X_Request_Id="chosen-by-the-client",
        Forwarded="for=203.0.113.66",
        Proxy="http://evil.example",
    )
    (seen,) = behind.seen
    assert seen.all_of("X-Forwarded-For") == ["127.0.0.1"]
    assert seen.all_of("X-Forwarded-Proto") == ["https"]
    assert seen.all_of("X-Forwarded-Host") == seen.all_of("Host") == [DOMAIN]
    assert seen.all_of("Forwarded") == seen.all_of("Proxy") == []
    (request_id,) = seen.all_of("X-Request-Id")
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert request_id in edge.logged()[0]


def test_a_header_with_an_underscore_does_not_arrive_as_another(
    edge: Nginx, behind: Upstream
) -> None:
    edge.ask("GET", "/auth/me", headers={"X_Forwarded_For": "203.0.113.66"})
    assert behind.seen[0].all_of("X_Forwarded_For") == []


def test_a_stream_is_passed_on_as_it_comes(edge: Nginx, behind: Upstream) -> None:
    with edge.connect() as connection:
        request = f"POST /chat/message HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 2\r\n\r\n{{}}"
        connection.sendall(request.encode())
        received = b""
        while b"event: first" not in received:
            received += connection.recv(4096)
        assert b"event: last" not in received
        first_at = time.monotonic()
        while b"event: last" not in received:
            received += connection.recv(4096)
        assert time.monotonic() - first_at > PAUSE_SECONDS / 2


def test_the_access_log_has_the_path_without_what_was_searched_for(
    edge: Nginx, behind: Upstream
) -> None:
    edge.get("/patients?q=Adler&code=NUGWI")
    edge.get("/health?q=Adler")
    edge.get("/static/nothing.css?q=Adler")
    edge.get_plain("/app/today?q=Adler")
    behind.shutdown()
    behind.server_close()
    edge.ask("GET", "/app/patients?q=Adler", headers=PAGES)
    lines = edge.logged()
    asked = [re.search(r'"([^"]*)" (\d+)', line).groups() for line in lines]  # type: ignore[union-attr]  # None fails the test
    assert asked == [
        ("GET /patients", "200"),
        ("GET /health", "200"),
        ("GET /static/nothing.css", "200"),
        ("GET /app/today", "301"),
        ("GET /app/patients", "503"),
    ]
    written = "".join(path.read_text() for path in (edge.folder / "log").iterdir())
    assert "Adler" not in written
    assert "NUGWI" not in written


# -- What nginx answers by itself


def test_its_own_answers_carry_the_same_headers_as_the_applications(
    edge: Nginx, tmp_path: Path
) -> None:
    app = create_app(make_settings(data_dir=tmp_path))
    own = app.test_client().get("/openapi.json", headers={"X-Forwarded-Proto": "https"}).headers
    answers = {
        "away": edge.get("/openapi.json"),
        "away, page": edge.ask("GET", "/app/today", headers=PAGES),
        "static": edge.get("/static/css/app.css"),
        "hidden": edge.get("/.git/config"),
        "odd": edge.ask("PROPFIND", "/"),
    }
    for name, answer in answers.items():
        for header in SECURITY_HEADERS:
            assert answer.all_of(header) == [own[header]], (name, header)
        assert answer.get("Server") == "nginx"


def test_what_the_application_says_is_not_said_twice(edge: Nginx, behind: Upstream) -> None:
    answer = edge.get("/auth/me")
    assert answer.status == 200
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert answer.all_of("Strict-Transport-Security") == []  # the stand-in does not say it


def test_while_the_application_is_away_programs_get_a_problem(edge: Nginx) -> None:
    answer = edge.get("/auth/me", Accept="application/json")
    problem = answer.json()
    assert answer.status == 503
    assert answer.get("Content-Type") == PROBLEM
    assert answer.get("Retry-After") == "5"
    assert answer.get("Cache-Control") == "no-store"
    assert problem["type"] == "urn:medical-ai:problem:unavailable"
    assert problem["status"] == 503
    assert problem["request_id"] == answer.get("X-Request-Id")


def test_while_the_application_is_away_people_get_a_page_that_tries_again(edge: Nginx) -> None:
    answer = edge.ask("GET", "/app/today", headers=PAGES)
    assert answer.status == 503
    assert answer.get("Content-Type") == "text/html"
    assert b"We are away for a moment" in answer.body
    assert answer.get("Retry-After") == "5"
    assert answer.get("Refresh") == "10"
    sent = edge.ask("POST", "/app/settings/profile", headers=PAGES, body=b"x=1")
    assert sent.status == 503
    assert sent.get("Refresh") == ""
    assert '"POST /app/settings/profile" 503' in edge.logged()[-1]


def test_its_page_needs_nothing_inline_and_no_other_host() -> None:
    page = (ROOT / "deploy/nginx/answer.html").read_text()
    assert not re.search(r"<style|\sstyle=|<script|\son[a-z]+=|https?://", page)
    assert '<meta name="color-scheme" content="light dark">' in page


def test_its_page_says_what_happened(edge: Nginx) -> None:
    def read(method: str, path: str) -> str:
        return edge.ask(method, path, headers=PAGES).body.decode()

    hidden, odd, away = read("GET", "/.git"), read("BREW", "/"), read("GET", "/")
    assert "<h1>There is nothing here</h1>" in hidden
    assert "<title>There is nothing here –" in hidden
    assert "<h1>That did not work here</h1>" in odd
    assert "<h1>We are away for a moment</h1>" in away
    assert ["emergency number.</span>" in page for page in (hidden, odd, away)] == [
        False,
        False,
        True,
    ]
    assert not any("<!--" in page for page in (hidden, odd, away))


def test_maintenance_is_told_and_health_goes_through(edge: Nginx, behind: Upstream) -> None:
    edge.maintenance.touch()
    assert edge.get("/auth/me").status == 503
    assert edge.get("/auth/me").get("Retry-After") == "5"
    assert b"We are away" in edge.ask("GET", "/app/today", headers=PAGES).body
    assert edge.post("/chat/message", {}).status == 503
    assert edge.get("/static/css/app.css").status == 200
    assert edge.get("/health").status == 200
    assert [seen.path for seen in behind.seen] == ["/health"]
    edge.maintenance.unlink()
    assert edge.get("/auth/me").status == 200


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/app/.ssh/id", "/.htaccess"])
def test_hidden_files_are_not_there(edge: Nginx, behind: Upstream, path: str) -> None:
    answer = edge.get(path)
    assert answer.status == answer.json()["status"] == 404
    assert behind.seen == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "DEBUG", "get"])
def test_odd_methods_are_refused(edge: Nginx, behind: Upstream, method: str) -> None:
    with edge.connect() as connection:
        connection.sendall(f"{method} /auth/me HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n".encode())
        assert re.match(rb"HTTP/1\.1 40[05] ", connection.recv(200))
    assert behind.seen == []


def test_figures_are_for_this_machine_alone(edge: Nginx, behind: Upstream) -> None:
    assert edge.get("/metrics").status == 200
    strange = edge.ask("GET", "/metrics", source="127.0.0.2")
    assert strange.status == strange.json()["status"] == 404
    assert [seen.path for seen in behind.seen] == ["/metrics"]


# -- Sizes


def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(
    edge: Nginx, behind: Upstream
) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert edge.ask("POST", "/x", headers=headers, body=b"x" * BODY_LIMIT).status == 200
    refused = edge.ask("POST", "/x", headers=headers, body=b"x" * (BODY_LIMIT + 1))
    assert (refused.status, refused.json()["type"]) == (413, "urn:medical-ai:problem:too-large")
    page = edge.ask("POST", "/x", headers=headers | PAGES, body=b"x" * (BODY_LIMIT + 1))
    assert page.status == 413
    assert b"That was too large" in page.body
    assert len(behind.seen) == 1


def test_a_body_whose_length_is_not_said_is_measured(edge: Nginx, behind: Upstream) -> None:
    def pieces(count: int) -> list[bytes]:
        return [b"x" * 65_536] * count

    # Without a length the client sends it in chunks.
    assert edge.ask("POST", "/x", body=iter(pieces(16))).status == 200
    assert len(behind.seen[0].body) == BODY_LIMIT
    assert behind.seen[0].all_of("Transfer-Encoding") == []
    assert edge.ask("POST", "/x", body=iter(pieces(17))).status == 413


# -- Files


def test_files_come_compressed_and_may_be_kept(edge: Nginx, behind: Upstream) -> None:
    plain = edge.get("/static/css/app.css")
    packed = edge.get("/static/css/app.css?v=1.0", Accept_Encoding="gzip")
    assert plain.status == packed.status == 200
    assert packed.get("Content-Encoding") == "gzip"
    assert packed.get("Vary") == plain.get("Vary") == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.get("Cache-Control") == "max-age=3600"
    assert packed.get("Cache-Control") == "max-age=31536000"
    assert edge.get("/static/js/chat.js").get("Content-Type") == "application/javascript"
    same = edge.get("/static/css/app.css", If_None_Match=plain.get("ETag"))
    assert (same.status, same.body) == (304, b"")
    assert edge.get("/bootstrap/static/css/bootstrap.min.css").status == 200
    assert behind.seen == []


def test_a_file_that_was_not_collected_is_asked_of_the_application(
    edge: Nginx, behind: Upstream
) -> None:
    assert edge.get("/static/css/new.css?v=2").status == 200
    assert [seen.path for seen in behind.seen] == ["/static/css/new.css?v=2"]


@pytest.mark.parametrize(
    "path", ["/static/../../deploy/nginx/ffdhe2048.pem", "/static/%2e%2e/%2e%2e/app.py"]
)
def test_no_way_leads_out_of_the_folder_of_files(edge: Nginx, behind: Upstream, path: str) -> None:
    answer = edge.get(path)
    assert b"BEGIN" not in answer.body
    assert b"import" not in answer.body


def test_what_people_write_is_not_compressed(edge: Nginx, behind: Upstream) -> None:
    answer = edge.get("/app/today", Accept_Encoding="gzip", Accept="text/html")
    assert answer.get("Content-Encoding") == ""


def test_it_goes_beside_the_site_that_debian_brings(edge: Nginx) -> None:
    default = Path("/etc/nginx/sites-available/default")
    if not default.exists():
        pytest.skip("this nginx brings no site of its own")
    text = re.sub(r"(?m)^\s*listen \[::\].*\n", "", default.read_text())
    text = text.replace("listen 80 ", f"listen 127.0.0.1:{edge.plain_port} ")
    site = edge.folder / "site.conf"
    site.write_text(text + site.read_text())  # in the order of their names
    checked = edge.test()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
