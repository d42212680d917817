"""What a request costs beside a bare Flask constant, on the same gunicorn: `make bench`.

The figure is CPU time of the server's worker per request, read from the kernel, so that a busy
machine changes it little. Rounds alternate between the two; the medians are compared.
"""

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
REQUESTS = 1500
READ_LIMIT = 6.0
HEALTH_LIMIT = 0.85
RSS_LIMIT = 130
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print both ratios, and return 1 where one misses its mark."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, contextlib.ExitStack() as stack:
        url = stack.enter_context(mariadb(Path(folder)))
        environment = product_environment(url, folder)
        run([sys.executable, "db.py"], environment)
        product = stack.enter_context(gunicorn("app:app", environment))
        bare = stack.enter_context(gunicorn("tests.benchmarks.bare:app", environment))
        token = sign_up(product)
        constant = Target(bare, "/constant")
        read = Target(product, "/auth/me", token)
        health = Target(product, "/health")
        costs = measure([constant, read, health])
        rss = max(resident_mib(pid) for pid in product.workers())
    base = costs[constant]
    read_ratio, health_ratio = costs[read] / base, base / costs[health]
    row = "{:24} {:6.0f} us CPU   {}"
    print(row.format("bare Flask constant", base * 1e6, ""))
    print(
        row.format(
            "authenticated row read",
            costs[read] * 1e6,
            f"{read_ratio:.2f} x the constant, at most {READ_LIMIT}",
        )
    )
    print(
        row.format(
            "/health",
            costs[health] * 1e6,
            f"{health_ratio:.0%} of its rate (at least {HEALTH_LIMIT:.0%})",
        )
    )
    print(f"{'web worker memory':24} {rss:6.0f} MiB RSS (at most {RSS_LIMIT})")
    missed = read_ratio > READ_LIMIT or health_ratio < HEALTH_LIMIT or rss > RSS_LIMIT
    return int(missed)


class Server:
    """A running gunicorn with one worker."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def cpu_seconds(self) -> float:
        """Return the user and system time its workers have used."""
        return sum(cpu_seconds(pid) for pid in self.workers())


class Target:
    """One address of one server, asked over a connection that stays open."""

    def __init__(self, server: Server, path: str, token: str = "") -> None:
        self.server = server
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{bearer}\r\n"
        self.request = head.encode()

    def ask(self, times: int) -> None:
        """Send the request so many times; any answer but 200 is an error."""
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            reader = connection.makefile("rb")
            for _ in range(times):
                connection.sendall(self.request)
                status = reader.readline()
                if b" 200 " not in status:
                    raise RuntimeError(f"unexpected answer: {status!r}")
                length = 0
                while (line := reader.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                reader.read(length)


def measure(targets: list[Target]) -> dict[Target, float]:
    """Return the median CPU seconds per request of each target."""
    samples: dict[Target, list[float]] = {target: [] for target in targets}
    for target in targets:
        target.ask(REQUESTS // 3)  # warm caches and pools
    for _ in range(ROUNDS):
        for target in targets:
            before = target.server.cpu_seconds()
            target.ask(REQUESTS)
            samples[target].append((target.server.cpu_seconds() - before) / REQUESTS)
    return {target: statistics.median(values) for target, values in samples.items()}


@contextlib.contextmanager
def gunicorn(target: str, environment: dict[str, str]) -> Iterator[Server]:
    """Run a target with the product's own gunicorn settings and one worker."""
    port = free_port()
    environment = environment | {
        "PORT": str(port), "WEB_CONCURRENCY": "1", "WEB_MAX_REQUESTS": "0", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn_config.py", target]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_for_port(port)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Run a private MariaDB on loopback and give its URL."""
    data, port = folder / "data", free_port()
    user = ["--user=root"] if os.getuid() == 0 else []
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *user],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    process = subprocess.Popen(
        [server, "--no-defaults", f"--datadir={data}", f"--port={port}",
         f"--socket={folder / 'sock'}", "--bind-address=127.0.0.1",
         f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}", *user],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(port)
        run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot",
             "-e", "CREATE DATABASE bench CHARACTER SET utf8mb4"], dict(os.environ))  # fmt: skip
        yield f"mysql+pymysql://root@127.0.0.1:{port}/bench"
    finally:
        process.terminate()
        process.wait(timeout=30)


def product_environment(url: str, folder: str) -> dict[str, str]:
    """Return an environment for the product: random secrets, limits counted but never reached."""
    return os.environ | {
        "ENV_FILE": f"{folder}/none",
        "PRODUCTION": "false",
        "DATABASE_URL": url,
        "DATA_DIR": folder,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "JWT_REFRESH_SECRET": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        "RATELIMIT_DEFAULT": "1000000 per second",
    }


def sign_up(server: Server) -> str:
    """Create an account and return its access token."""
    body = json.dumps({"email": "bench@example.com", "password": secrets.token_urlsafe(12)})
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/auth/signup",
        body.encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["access_token"])


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command to its end."""
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


if __name__ == "__main__":
    sys.exit(main())
