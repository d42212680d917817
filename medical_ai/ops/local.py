"""`make run`: everything a newcomer needs on a laptop, started by one process and stopped by it.

Makes a data folder with secrets of its own, creates or upgrades the embedded database, fills in
the demo people, starts web and worker, and stops both cleanly. Never used in production.
"""

import argparse
import base64
import fcntl
import os
import secrets
import signal
import socket
import subprocess  # starts the project's own processes with fixed arguments  # nosec B404
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

READY_SECONDS = 60.0
STOP_SECONDS = 25.0
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run web and worker until stopped; return the exit code."""
    arguments = _arguments()
    address = f"http://{arguments.host}:{arguments.port}"
    bind = f"{arguments.host}:{arguments.port}"
    environment = _environment(arguments.data.absolute(), address, bind)
    kept = _hold(arguments.data / "local.lock", arguments.host, arguments.port)
    _run([sys.executable, "db.py"], environment)
    logins = _run([sys.executable, "-m", "flask", "--app", "app", "demo"], environment)
    stopping = _Stopping()
    children = [
        _start([sys.executable, "-m", "gunicorn", "-c", "gunicorn_config.py"], environment),
        _start([sys.executable, "-m", "flask", "--app", "app", "worker"], environment),
    ]
    try:
        if _wait_until_ready(address, children, stopping):
            sys.stdout.write(f"\n  {address}\n\n{logins}\n  Ctrl-C stops it.\n\n")
            sys.stdout.flush()
        while not stopping and all(child.poll() is None for child in children):
            time.sleep(0.2)
    finally:
        _stop(children)
        kept.close()
    return 0 if stopping else 1


class _Stopping:
    """True once somebody asked us to stop."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run web and worker with demo data.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--data", type=Path, default=Path("instance"))
    return parser.parse_args()


def _hold(lock: Path, host: str, port: int) -> IO[str]:
    """Keep another copy from using this folder, and find out early that the port is taken."""
    held = lock.open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"Another copy runs on {lock.parent}: stop it, or give this one DATA=<folder>.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            sys.exit(f"Port {port} is taken: stop what uses it, or give this one PORT=<number>.")
    return held


def _environment(data: Path, address: str, bind: str) -> dict[str, str]:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = data / "local.env"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text("".join(f"{name}={value}\n" for name, value in _new_secrets().items()))
    defaults = {
        "WEB_CONCURRENCY": "2",
        "PRODUCTION": "false",
        "PUBLIC_URL": address,
        "TRUSTED_PROXY_HOPS": "0",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
    }
    fixed = {
        "ENV_FILE": str(kept),
        "DATA_DIR": str(data),
        "BIND": bind,
        "FLASK_SKIP_DOTENV": "1",  # one way to read settings: ours
    }
    return defaults | os.environ | fixed


def _new_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "JWT_REFRESH_SECRET": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        "DEMO_PASSWORD": secrets.token_urlsafe(9),
    }


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # our own programs, fixed arguments  # noqa: S603  # nosec B603
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[1:])} failed: {done.stdout.strip()}")
    return done.stdout


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches us alone, and we stop the children in order.
    return subprocess.Popen(  # our own programs, fixed arguments  # noqa: S603  # nosec B603
        command, cwd=ROOT, env=environment, start_new_session=True
    )


def _wait_until_ready(
    address: str, children: list[subprocess.Popen[bytes]], stopping: _Stopping
) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not stopping:
        if any(child.poll() is not None for child in children):
            return False
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=2):  # our own address  # noqa: S310  # nosec B310
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
