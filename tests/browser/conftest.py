"""A running product, a mail sink, and a real Chromium to look at them with."""

import os
import queue
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
DEMO_PASSWORD = "demo people meet here"  # pragma: allowlist secret - made up, for a demo
NEW_PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up
ACCESS_TOKEN_SECONDS = 4
CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if os.path.exists(path)),
    "/usr/bin/chromium",
)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Inbox(MessageHandler):
    """Keeps what the SMTP sink was given, with the moment it came."""

    def __init__(self) -> None:
        super().__init__()
        self._came: queue.Queue[tuple[float, Message]] = queue.Queue()

    def handle_message(self, message: Message) -> None:
        """Take a message."""
        self._came.put((time.time(), message))

    def wait(self, seconds: float, to: str) -> tuple[float, Message]:
        """Return the next message to this address and when it came, past those of other tests."""
        deadline = time.monotonic() + seconds
        while True:
            came_at, message = self._came.get(timeout=max(0.0, deadline - time.monotonic()))
            if message["To"] == to:
                return came_at, message

    def link(self, path: str, to: str) -> str:
        """Return the next link to this path that is mailed to this address."""
        while True:
            _, message = self.wait(30, to)
            plain = next(one for one in message.walk() if one.get_content_type() == "text/plain")
            text = str(plain.get_payload(decode=True), "utf-8")
            assert not any(name in text for name in ("Carol", "Riverside"))  # mail names nobody
            if found := re.search(rf"http\S+{path}\S+", text):
                return found.group()


@dataclass(frozen=True)
class Product:
    """A running copy: where it answers, and its mail."""

    address: str
    inbox: Inbox


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the product as a newcomer does, with a mail server on loopback."""
    with running_product(tmp_path_factory.mktemp("product"), free_port()) as started:
        yield started


@contextmanager
def running_product(folder: Path, port: int, **more: str) -> Iterator[Product]:
    """Run the product in a folder of its own while the block lasts."""
    inbox = Inbox()
    sink = Controller(inbox, hostname="127.0.0.1", port=free_port())
    sink.start()
    environment = os.environ | {
        "DEMO_PASSWORD": DEMO_PASSWORD,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(sink.port),
        "SMTP_SECURITY": "none",
        "RATELIMIT_ENABLED": "false",
        "ACCESS_TOKEN_SECONDS": str(ACCESS_TOKEN_SECONDS),
    }
    command = [sys.executable, "-m", "medical_ai.ops.local", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder)],
            cwd=ROOT,
            env=environment | more,
            stdout=log,
            stderr=log,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(address, process, folder / "log")
            yield Product(address, inbox)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=40) == 0
            sink.stop()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                if b'"healthy"' in answer.read():
                    return
        except OSError:
            pass  # not listening yet
        time.sleep(0.2)
    raise RuntimeError(log.read_text())


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said that it should not have; must stay empty."""
    return []


@pytest.fixture
def page(chromium: Browser, product: Product, complaints: list[str]) -> Iterator[Page]:
    """A phone-sized page in a fresh profile; it may ask no other host for anything."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844},
        timezone_id="Europe/Berlin",
        base_url=product.address,
    )
    opened = context.new_page()
    opened.on("console", lambda said: listen(complaints, said.type, said.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: _stay_home(complaints, product.address, asked.url))
    yield opened
    context.close()
    assert complaints == []


def listen(complaints: list[str], kind: str, text: str) -> None:
    """Keep what the console says if it is a complaint."""
    # Chromium reports the status of a refused form as an error of its own; that one is ours.
    if kind in {"error", "warning"} and "Failed to load resource" not in text:
        complaints.append(text)


def _stay_home(complaints: list[str], address: str, url: str) -> None:
    if not url.startswith((address, "data:")):
        complaints.append(f"asked another host: {url}")


def sign_up(page: Page, email: str, name: str) -> None:
    """Open an account, and be in."""
    page.goto("/signup")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("What may we call you?").fill(name)
    page.get_by_label("Password").first.fill(NEW_PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
