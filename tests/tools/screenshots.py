"""Pictures of the product for the README: `python -m tests.tools.screenshots`.

Starts a copy of its own with the demo people, on a free port and in a folder that is removed
afterwards, and photographs it in Chromium as Alice sees it: on a desk and on a phone.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
WIDTHS = {"": (1280, 800), "-phone": (390, 844)}
LARGEST_BYTES = 200_000
READY_SECONDS = 60.0
KEPT_VARIABLES = ("PATH", "HOME", "LANG")


def main() -> int:
    """Take every picture; return 1 where one is too large to ship."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as data, product(data, password) as url:
        taken = [path for name in WIDTHS for path in photograph(url, password, name)]
    too_large = [path for path in taken if path.stat().st_size > LARGEST_BYTES]
    for path in taken:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")
    return int(bool(too_large))


def photograph(url: str, password: str, name: str) -> list[Path]:
    """Sign in as Alice and take the pictures of one width."""
    width, height = WIDTHS[name]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        sign_in(page, url, password)
        page.goto(f"{url}/app/today")
        today = shoot(page, f"today{name}")
        page.goto(f"{url}/app/chat")
        ask(page, "When is my next dose?")
        chat = shoot(page, f"chat{name}")
        browser.close()
    return [today, chat]


def sign_in(page: Page, url: str, password: str) -> None:
    """Fill in the form as a person does."""
    page.goto(f"{url}/login")
    page.fill("input[name=email]", "alice@example.org")
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/app/today")


def ask(page: Page, question: str) -> None:
    """Ask the assistant and wait until the answer has its receipt."""
    page.fill("textarea[name=message]", question)
    page.click("#composer button[type=submit]")
    page.wait_for_url("**/app/chat/*")
    page.wait_for_load_state("networkidle")


def shoot(page: Page, name: str) -> Path:
    """Take one picture of what fits on the screen, with nothing in focus and nothing moving."""
    path = IMAGES / f"{name}.png"
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path, animations="disabled", caret="hide")
    return path


@contextlib.contextmanager
def product(data: str, password: str) -> Iterator[str]:
    """Run web and worker as `make run` does, and give the address."""
    port = free_port()
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= {"DEMO_PASSWORD": password, "WEB_CONCURRENCY": "1"}
    command = [sys.executable, "-m", "medical_ai.ops.local", "--port", str(port), "--data", data]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the product answers; RuntimeError when it stopped or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/ready", timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError("the product did not start")


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
