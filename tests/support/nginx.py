"""A private nginx with the site as shipped, run as whoever runs the tests.

Only what a host has and this machine need not is replaced, by `sed` as a sysadmin would: ports,
folders and the domain. Around it stands what Debian's own nginx.conf says.
"""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import json

from tests.support.processes import ROOT, free_port
from tests.support.waiting import wait_until

DOMAIN = "localhost"
"""A name that every machine knows, so that programs which ask for names can be used, too."""
SITE = ROOT / "medical-ai-nginx.conf"
AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log/error.log;
worker_processes 1;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/log/access.log;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the headers as they came, also those that came twice."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all_of(self, name: str) -> list[str]:
        """Return every value of one header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        """Return a header that came once, or nothing where it did not come."""
        values = self.all_of(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else ""

    def json(self) -> Any:
        """Return the body that must be JSON."""
        return json.loads(self.body)


class Nginx:
    """The site on two free ports of this machine, in front of a socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "web.sock"
        self.plain_port, self.port = free_port(), free_port()
        self.authority = folder / "tls" / DOMAIN / "ca.pem"
        self.maintenance = folder / "edge" / "maintenance"
        self.acme = folder / "acme"
        self.access_log = folder / "log" / "medical-ai.access"
        self._process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """Write the configuration and everything that it names."""
        for name in ("log", "edge", "acme", "release"):
            (self.folder / name).mkdir()
        make_certificate(self.authority.parent)
        for name in ("deploy", "medical_ai"):
            (self.folder / "release" / name).symlink_to(ROOT / name)
        subprocess.run(
            [ROOT / "deploy/nginx/collect-static.sh", self.folder / "release"],
            env=os.environ | {"PYTHON": sys.executable},
            check=True,
        )
        user = "user root;" if os.geteuid() == 0 else ""
        around = AROUND.format(folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(around)
        (self.folder / "site.conf").write_text(self._placed(SITE.read_text()))

    def test(self) -> "subprocess.CompletedProcess[str]":
        """Let nginx itself check the configuration."""
        return subprocess.run([*self._command(), "-t"], capture_output=True, text=True, check=False)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(self._command())
        wait_until(self._listens, seconds=10, what="nginx listens")

    @property
    def pid(self) -> int:
        """Return the process id of its master."""
        assert self._process is not None
        return self._process.pid

    def reload(self) -> None:
        """Let it read its configuration again, and wait until the old workers are gone."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        before = set(children.read_text().split())
        os.kill(self.pid, signal.SIGHUP)
        wait_until(
            lambda: children.read_text() and before.isdisjoint(children.read_text().split()),
            seconds=10,
            what="new workers took over",
        )

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def connect(
        self,
        *,
        name: str = DOMAIN,
        context: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
    ) -> ssl.SSLSocket:
        """Open a TLS connection that checks the certificate, from an address of this machine."""
        context = context or ssl.create_default_context(cafile=str(self.authority))
        here = ("127.0.0.1", self.port)
        plain = socket.create_connection(here, timeout=20, source_address=(source, 0))
        return context.wrap_socket(plain, server_hostname=name)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: Any = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Send one request over https, on a connection of its own."""
        connection = http.client.HTTPConnection(DOMAIN, timeout=20)
        connection.sock = self.connect(source=source)
        return _exchange(connection, method, path, headers or {}, body)

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET request; headers with underscores for dashes."""
        return self.ask("GET", path, headers=_spelled(headers))

    def post(self, path: str, data: Any, **headers: str) -> Answer:
        """Send JSON."""
        sent = {"Content-Type": "application/json"} | _spelled(headers)
        return self.ask("POST", path, headers=sent, body=json.dumps(data).encode())

    def get_plain(self, path: str, host: str = DOMAIN) -> Answer:
        """Send a GET request over plain http."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=20)
        return _exchange(connection, "GET", path, {"Host": host}, None)

    def logged(self) -> list[str]:
        """Return the lines of the access log."""
        return self.access_log.read_text().splitlines()

    def _command(self) -> list[str]:
        return [program("nginx"), "-e", "stderr", "-p", f"{self.folder}/", "-c", "nginx.conf"]

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log" / "error.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _placed(self, site: str) -> str:
        for pattern, place in (
            (r"yourdomain\.com", DOMAIN),
            (r"(?m)^ *listen \[::\].*\n", ""),
            (r"listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            (r"listen 443 ", f"listen 127.0.0.1:{self.port} "),
            (r"/etc/letsencrypt/live", f"{self.folder}/tls"),
            (r"/var/log/nginx", f"{self.folder}/log"),
            (r"/var/lib/medical-ai-edge", f"{self.folder}/edge"),
            (r"/var/www/certbot", str(self.acme)),
            (r"/run/medical-ai/web\.sock", str(self.socket)),
            (r"/opt/medical-ai/current", f"{self.folder}/release"),
        ):
            site = re.sub(pattern, place, site)
        return site


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Run the site while the block lasts."""
    running = Nginx(folder)
    running.write()
    running.start()
    try:
        yield running
    finally:
        running.stop()


def make_certificate(folder: Path) -> None:
    """Make a certificate for the domain, and the authority that signed it."""
    folder.mkdir(parents=True)
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 60"
    authority = "-subj /CN=Tests -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign"
    leaf = f"-subj /CN={DOMAIN} -keyout privkey.pem -out fullchain.pem -CA ca.pem -CAkey ca.key"
    said = f"subjectAltName=DNS:{DOMAIN} basicConstraints=critical,CA:FALSE"
    said += " keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth"
    for command in (f"{new} {authority}", f"{new} {leaf} -addext {' -addext '.join(said.split())}"):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def program(name: str) -> str:
    """Return the path of a program, which often is none of an ordinary user's."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert found is not None, f"{name} is not installed; deploy/system-packages.sh test does it"
    return found


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: Any,
) -> Answer:
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
