"""Second factors in tests: an app that shows codes, and accounts that have one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask

from medical_ai.auth import otp
from medical_ai.auth.models import User
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.http import Api, signed_in
from tests.support.people import PASSWORD, Person


@dataclass(frozen=True)
class App:
    """An authenticator app, and the recovery codes that came with it."""

    secret: str
    codes: list[str]
    api: Api

    def code(self, *, steps: int = 0, at: datetime | None = None) -> str:
        """Return what the app shows now, or some steps from now."""
        return otp.code_at(self.secret, otp.step_of(at or clock.now()) + steps)


def enrol(app: Flask, person: Person) -> App:
    """Set up an app over the API. Its code of the step before is used up by that."""
    api = signed_in(app, person)
    secret = api.post("/auth/mfa/totp").get_json()["secret"]
    code = otp.code_at(secret, otp.step_of(clock.now()) - 1)
    answer = api.post("/auth/mfa/totp/confirm", {"code": code})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return App(secret, answer.get_json()["recovery_codes"], api)


def log_in(app: Flask, person: Person, code: str | None = None) -> Any:
    """Sign in over the API with a password and maybe a code."""
    body = {"email": person.email, "password": PASSWORD} | ({"otp": code} if code else {})
    return Api(app).post("/auth/login", body)


def make_real(database: Database, *people: Person) -> None:
    """Take from people that they are made up, so that the policy for staff holds for them."""
    with database.unit_of_work() as session:
        for person in people:
            session.get_one(User, person.user_id).is_demo = False
