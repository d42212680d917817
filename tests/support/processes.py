"""The application as it runs: gunicorn and the worker, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from medical_ai.core.config import Settings
from tests.support.settings import environment_of
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0


def pinned(settings: Settings, **changes: Any) -> Settings:
    """Return settings that name their database outright, whatever else is changed."""
    url = SecretStr(settings.sqlalchemy_url)
    return settings.model_copy(update={"database_url": url} | changes)


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A process of the project, with what it wrote."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and its children as `kill -9` does."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to stop, and return how it ended."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.returncode


@contextmanager
def worker(settings: Settings, folder: Path, **more: str) -> Iterator[Process]:
    """Run one worker while the block lasts."""
    command = ["-m", "flask", "--app", "app", "worker"]
    process = Process(command, environment_of(settings, **more), folder / "worker.log")
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def web(settings: Settings, folder: Path, **more: str) -> Iterator["Site"]:
    """Run gunicorn on a free port while the block lasts; `more` is of the environment."""
    port = free_port()
    small = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "8", "PYTHONUNBUFFERED": "1"}
    environment = environment_of(settings, **(small | {"PORT": str(port)} | more))
    command = ["-m", "gunicorn", "-c", "gunicorn_config.py"]
    process = Process(command, environment, folder / "web.log")
    site = Site(f"http://127.0.0.1:{port}", process)
    try:
        wait_until(site.answers, seconds=START_SECONDS, what=f"the site answers, see {process.log}")
        yield site
    finally:
        process.kill()


class Site:
    """A running site, and a client for it."""

    def __init__(self, address: str, process: Process) -> None:
        self.address, self.process = address, process
        self._token = ""

    def sign_in(self, email: str, password: str) -> dict[str, Any]:
        """Sign in; later requests bear the token."""
        body = {"email": email, "password": password}
        granted: dict[str, Any] = self.request("POST", "/auth/login", json=body).json()
        self._token = granted["access_token"]
        return granted

    def bear(self, token: str) -> None:
        """Bear this token from now on."""
        self._token = token

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers |= options.pop("headers", {})
        return requests.request(method, self.address + path, headers=headers, timeout=15, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        """Send a POST request."""
        return self.request("POST", path, json=json, **options)

    def answers(self) -> bool:
        """Tell whether the site answers at all."""
        assert self.process.is_running, self.process.log.read_text(errors="replace")[-3000:]
        try:
            return self.get("/health/live").status_code == 200
        except requests.RequestException:
            return False

    def health(self) -> tuple[int, str]:
        """Return the status and the word of `/health`."""
        response = self.get("/health")
        return response.status_code, response.json()["status"]
