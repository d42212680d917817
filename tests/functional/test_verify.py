"""`medical-ai verify` against a real nginx with the application behind it, and against bad ones."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from medical_ai.core.database import Database
from medical_ai.ops import heartbeat
from medical_ai.ops.host import verify
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.client import Site
from medical_ai.ops.host.findings import Finding, Level, Result
from medical_ai.ops.host.words import join_alike
from tests.support.certificates import Authority, sign_by_itself
from tests.support.host import add_program, host_of
from tests.support.processes import free_port, pinned, web
from tests.support.settings import make_settings
from tests.support.stores import Store
from tests.support.waiting import wait_until

NAME = "medical.example.org"
NGINX = """
pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=login:1m rate=5r/m;
  server {{ listen 127.0.0.1:{http}; {plain} }}
  server {{
    listen 127.0.0.1:{https} ssl; listen 127.0.0.2:{https} ssl;
    ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/privkey.pem;
    {tls}
    proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Host $host;
    {inside}
    location / {{ proxy_pass {upstream}; gzip on; gzip_types *; gzip_min_length 1; }}
  }}
}}
"""
GOOD = {
    "plain": "return 301 https://$host$request_uri;",
    "tls": "ssl_protocols TLSv1.2 TLSv1.3;",
    "inside": """
      location = /metrics { return 404; }
      location = /auth/login {
        limit_req zone=login burst=4 nodelay; limit_req_status 429; proxy_pass UPSTREAM;
      }""",
}
BAD = {
    "plain": 'return 200 "here";',
    "tls": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;",
    "inside": """
      add_header X-Frame-Options DENY always;
      location = /metrics { return 200 "requests 7"; }
      location = /.git/config { return 200 "[core]"; }
      location = /no-such-address { default_type text/html; return 404 "<p>no"; }
      location /static/ { proxy_pass UPSTREAM; proxy_hide_header Cache-Control; }
      location = /auth/login { proxy_pass UPSTREAM; }""",
}


@dataclass(frozen=True)
class Edge:
    """A running nginx."""

    site: Site
    http: int


@contextmanager
def nginx(folder: Path, upstream: str, parts: dict[str, str]) -> Iterator[Edge]:
    """Run nginx with a certificate that lies in the folder while the block lasts."""
    http, https = free_port(), free_port()
    parts = {name: text.replace("UPSTREAM", upstream) for name, text in parts.items()}
    config = folder / "nginx.conf"
    spelled = NGINX.format(folder=folder, http=http, https=https, upstream=upstream, **parts)
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(user + spelled)
    command = ["nginx", "-e", "stderr", "-p", f"{folder}/", "-c", str(config)]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    edge = Edge(Site(f"https://{NAME}:{https}", address="127.0.0.1"), http)
    try:
        wait_until(lambda: answers(edge), seconds=20, what="nginx answers")
        yield edge
    finally:
        running.send_signal(signal.SIGQUIT)
        running.wait(timeout=20)


def answers(edge: Edge) -> bool:
    """Tell whether it answers."""
    try:
        return edge.site.ask("/health/live").status > 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs certificates here."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def upstream(
    stores: dict[str, Store], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Database]]:
    """The application, as gunicorn runs it."""
    store = stores["sqlite"]
    with store.committing(store.settings) as database:
        heartbeat_now(database)
        settings = pinned(store.settings, login_attempts_per_minute=1000, smtp_host="")
        with web(settings, tmp_path_factory.mktemp("web")) as site:
            yield site.address, database


def heartbeat_now(database: Database) -> None:
    """Let a worker have lived just now."""
    with database.unit_of_work() as session:
        heartbeat.beat(session, worker="one", lateness_p99_seconds=0.1)


def level(finding: Finding, words: str = "") -> str:
    """Return how bad a finding is."""
    assert words in finding.found, finding
    assert (finding.mend == "") is (finding.level is Level.OK), finding
    return finding.level.value


def test_a_good_site_is_green(
    upstream: tuple[str, Database], tmp_path: Path, authority: Authority
) -> None:
    authority.issue(tmp_path, NAME)
    with nginx(tmp_path, upstream[0], GOOD) as edge:
        trusting = Site(f"https://{NAME}:{edge.site.port}", address="127.0.0.1", ca=authority.file)
        assert level(verify.look_at_chain(trusting)) == "ok"
        assert level(verify.look_at_redirect(edge.site, port=edge.http)) == "ok"
        heartbeat_now(upstream[1])
        assert level(verify.look_at_health(edge.site)) == "ok"
        assert level(verify.look_at_headers(edge.site)) == "ok"
        assert level(verify.look_at_unknown(edge.site)) == "ok"
        assert level(verify.look_at_hidden(edge.site), "ask with --address") == "ok"
        stranger = Site(f"https://{NAME}:{edge.site.port}", address="127.0.0.2")
        assert level(verify.look_at_hidden(stranger), "metrics") == "ok"
        assert level(verify.look_at_old_tls(edge.site)) == "ok"
        assert level(verify.look_at_static(edge.site)) == "ok"
        assert level(verify.look_at_sign_in(edge.site), "stopped at try 6") == "ok"


def test_each_item_of_a_bad_site_is_red(
    upstream: tuple[str, Database], tmp_path: Path, authority: Authority
) -> None:
    authority.issue(tmp_path, "other.example.org")
    with nginx(tmp_path, upstream[0], BAD) as edge:
        assert level(verify.look_at_chain(edge.site), "browsers refuse") == "FAIL"
        assert level(verify.look_at_redirect(edge.site, port=edge.http), "200") == "FAIL"
        assert level(verify.look_at_headers(edge.site), "X-Frame-Options is there 2") == "FAIL"
        assert level(verify.look_at_unknown(edge.site), "text/html") == "FAIL"
        assert level(verify.look_at_hidden(edge.site), "can read /.git/config") == "FAIL"
        stranger = Site(f"https://{NAME}:{edge.site.port}", address="127.0.0.2")
        assert level(verify.look_at_hidden(stranger), "/.git/config, /metrics") == "FAIL"
        assert level(verify.look_at_old_tls(edge.site), "is accepted") == "FAIL"
        assert level(verify.look_at_static(edge.site), "may not be kept") == "FAIL"
        assert level(verify.look_at_sign_in(edge.site), "were not stopped") == "FAIL"


def test_a_certificate_signed_by_itself_is_yellow_until_it_is_known(
    upstream: tuple[str, Database], tmp_path: Path
) -> None:
    sign_by_itself(tmp_path, NAME)
    with nginx(tmp_path, upstream[0], GOOD) as edge:
        assert level(verify.look_at_chain(edge.site), "signed by itself") == "warn"
        known = tmp_path / "fullchain.pem"
        site = Site(f"https://{NAME}:{edge.site.port}", address="127.0.0.1", ca=known)
        assert level(verify.look_at_chain(site)) == "ok"


def test_a_site_that_is_away_or_speaks_nonsense_is_red(tmp_path: Path) -> None:
    site = Site(f"https://{NAME}:{free_port()}", address="127.0.0.1")
    host = host_of(make_settings(), tmp_path)
    outside = [one for one in verify.list_items(site, http_port=free_port()) if one.as_service]
    found = [one.look(host) for one in outside[:9]]
    assert {one.level for one in found} == {Level.FAIL}
    assert all("no answer" in one.found for one in found)
    results = [Result(str(n), one.level, one.found, one.mend) for n, one in enumerate(found)]
    said = join_alike(
        [*results, Result("disk", Level.OK, "room"), Result("load", Level.OK, "room")]
    )
    assert [one.name for one in said][-2:] == ["disk", "load"]
    assert len(said) < len(results)  # one cause is said once
    assert {name for one in said for name in one.name.split(", ")} >= set("012345678")


def test_health_that_is_not_healthy(tmp_path: Path, authority: Authority) -> None:
    authority.issue(tmp_path, NAME)
    parts = GOOD | {"inside": 'location = /health { return 200 \'{"status": "degraded"}\'; }'}
    with nginx(tmp_path, "http://127.0.0.1:9", parts) as edge:
        assert level(verify.look_at_health(edge.site), "says degraded") == "FAIL"
        assert level(verify.look_at_static(edge.site), "no styles") == "FAIL"
    parts = GOOD | {"inside": 'location = /health { return 200 "fine"; }'}
    with nginx(tmp_path, "http://127.0.0.1:9", parts) as edge:
        assert level(verify.look_at_health(edge.site), "no JSON") == "FAIL"


def test_logrotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host: Host = host_of(make_settings(), tmp_path)
    assert level(verify.look_at_logrotate(host), "there is no") == "FAIL"
    file = tmp_path / verify.LOGROTATE
    file.parent.mkdir(parents=True)
    file.write_text(f"{tmp_path}/access.log {{\n  rotate 7\n  missingok\n}}\n")
    assert level(verify.look_at_logrotate(host)) == "ok"
    file.write_text(f"{tmp_path}/access.log {{\n  rotate many\n  missingok\n}}\n")
    assert level(verify.look_at_logrotate(host), "bad rotation count") == "FAIL"
    programs = tmp_path / "programs"
    add_program(programs, "true", "exit 0")
    monkeypatch.setattr("medical_ai.ops.host.programs.SYSTEM_PLACES", str(programs))
    monkeypatch.setenv("PATH", str(programs))
    assert level(verify.look_at_logrotate(host), "not installed") == "FAIL"
