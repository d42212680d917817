"""People at work, from the client's side of the wire: pages are read, questions asked and counted.

    python -m tests.host.load https://medical.test --seconds 20

Each person has an address of their own, as the limits are per address, and waits a little between
two requests. Prints one JSON object: how many requests had which status, how many questions were
acknowledged, and how many of those are in the history afterwards.
"""

import argparse
import collections
import http.client
import json
import secrets
import ssl
import subprocess
import threading
import time
from typing import Any

FIRST_ADDRESS = 10
PAUSE_SECONDS = 0.08
PATIENT_SECONDS = 70.0
"""Longer than anybody is kept waiting: nginx gives up after 60 seconds."""
OK = 200
READ = ("/health", "/", "/login", "/static/css/app.css")


class Person(threading.Thread):
    """One person with one address."""

    def __init__(self, host: str, address: str, until: float) -> None:
        super().__init__(daemon=True)
        self.host, self.address, self.until = host, address, until
        self.statuses: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0

    def ask(
        self, method: str, path: str, body: Any = None, token: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Send one request on a connection of its own; return the status and the JSON of it."""
        connection = http.client.HTTPSConnection(
            self.host,
            timeout=PATIENT_SECONDS,
            source_address=(self.address, 0),
            context=ssl._create_unverified_context(),  # noqa: S323 - the host's trial certificate
        )
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        started = time.monotonic()
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.statuses[f"{method} {answer.status}"] += 1
            is_json = "json" in answer.getheader("Content-Type", "")
            return answer.status, json.loads(content) if is_json else {}
        except (OSError, http.client.HTTPException) as error:
            self.statuses[f"{method} {type(error).__name__}"] += 1
            return 0, {}
        finally:
            self.slowest = max(self.slowest, time.monotonic() - started)
            connection.close()


class Reader(Person):
    """Opens pages."""

    def run(self) -> None:
        """Read one after the other until the time is over."""
        number = 0
        while time.monotonic() < self.until:
            self.ask("GET", READ[number % len(READ)])
            number += 1
            time.sleep(PAUSE_SECONDS)


class Asker(Person):
    """Asks the assistant, and looks afterwards whether every question was kept."""

    def run(self) -> None:
        """Ask until the time is over."""
        self.acknowledged, self.kept = 0, 0
        someone = {
            "email": f"{secrets.token_hex(6)}@example.org",
            "password": secrets.token_urlsafe(18),
        }
        token = self.ask("POST", "/auth/signup", someone)[1]["access_token"]
        session: str | None = None
        while time.monotonic() < self.until:
            question = {"message": "Which medicines do I take?", "session_id": session}
            status, answer = self.ask("POST", "/chat/message", question, token)
            if status == OK:
                session = answer["session_id"]
                self.acknowledged += 1
            time.sleep(PAUSE_SECONDS)
        while (found := self.ask("GET", f"/chat/history/{session}", token=token))[0] != OK:
            time.sleep(1)  # a fault may last longer than the work; who waits for us has an end
        self.kept = sum(message["role"] == "user" for message in found[1]["messages"])


def main() -> None:
    """Let them work, and say what happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--readers", type=int, default=5)
    parser.add_argument("--askers", type=int, default=2)
    arguments = parser.parse_args()
    people: list[Person] = []
    until = time.monotonic() + arguments.seconds
    for number in range(arguments.readers + arguments.askers):
        address = f"10.99.0.{FIRST_ADDRESS + number}"
        subprocess.run(["ip", "addr", "replace", f"{address}/24", "dev", "eth0"], check=True)
        kind = Reader if number < arguments.readers else Asker
        people.append(kind(arguments.host, address, until))
    for person in people:
        person.start()
    for person in people:
        person.join(arguments.seconds + 3 * PATIENT_SECONDS)
    print(
        json.dumps(
            {
                "statuses": sum((person.statuses for person in people), collections.Counter()),
                "slowest_seconds": round(max(person.slowest for person in people), 2),
                "acknowledged": sum(one.acknowledged for one in people if isinstance(one, Asker)),
                "kept": sum(one.kept for one in people if isinstance(one, Asker)),
            }
        )
    )


if __name__ == "__main__":
    main()
