"""Replacing secrets while people are signed in. Whatever was interrupted, a second run completes.

The order of the steps is the point: a new secret is in place before the old one stops counting.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pymysql
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import mariadb_connect_args
from medical_ai.ops.host.privileges import NotAllowed, in_child
from medical_ai.ops.host.secret_files import SecretFolder

PAIRS = {
    "jwt_secret": ("jwt_secret_previous", "access_token_seconds"),
    "jwt_refresh_secret": ("jwt_refresh_secret_previous", "refresh_token_seconds"),
}
"""What signs tokens: where its former value goes on counting, and for how long it should."""
SERVICE_URL, OWNER_URL = "database_url", "migration_database_url"
ACCESS_DENIED = 1045


@dataclass(frozen=True, slots=True)
class Step:
    """What was done with one secret, in words; whether the service must be told."""

    words: str
    is_new: bool


def rotate_jwt(folder: SecretFolder, settings: Settings) -> list[Step]:
    """Sign with new secrets; what was signed with the old ones still counts."""
    return [
        _rotate_signing(folder, settings, name, previous) for name, (previous, _) in PAIRS.items()
    ]


def _rotate_signing(folder: SecretFolder, settings: Settings, name: str, previous: str) -> Step:
    current, former = folder.read(name), folder.read(previous)
    if not current:
        return _make(folder, settings, name, "whoever is signed in signs in again")
    if former and former != current:
        day = folder.written_at(previous)
        words = f"{name}: replaced on {day:%Y-%m-%d %H:%M} UTC already; --finish ends the old one"
        return Step(words, is_new=False)
    # 1. The old one also counts as the former one; interrupted here, nothing has changed.
    folder.write(previous, current)
    # 2. The new one signs.
    folder.write(name, new_secret())
    return Step(f"{name}: new; what was signed before still counts", is_new=True)


def _make(folder: SecretFolder, settings: Settings, name: str, effect: str) -> Step:
    # One in the settings would be left without effect by a file, and nobody would know why.
    if getattr(settings, name).get_secret_value():
        raise NotAllowed(f"{name.upper()} stands in the settings: move it to {folder.path(name)}.")
    folder.write(name, new_secret())
    return Step(f"{name}: made, there was none; {effect}", is_new=True)


def finish_jwt(folder: SecretFolder, settings: Settings, *, now: bool) -> list[Step]:
    """Let the former secrets count no more. Raises NotAllowed while tokens of theirs may live."""
    waiting = [
        (name, end)
        for name, (previous, life) in PAIRS.items()
        if folder.read(previous) and (end := _ends_at(folder, previous, settings, life))
    ]
    latest = max((end for _, end in waiting), default=None)
    if latest is not None and latest > clock.now() and not now:
        raise NotAllowed(
            f"Until {latest:%Y-%m-%d %H:%M} UTC people are signed in with the old secret."
            " Wait, or sign them out: --finish --now"
        )
    for name, _ in waiting:
        folder.remove(PAIRS[name][0])
    return [Step(f"{name}: the former one counts no more", is_new=True) for name, _ in waiting]


def _ends_at(folder: SecretFolder, previous: str, settings: Settings, life: str) -> datetime:
    return folder.written_at(previous) + timedelta(seconds=getattr(settings, life))


def rotate_secret_key(folder: SecretFolder, settings: Settings) -> list[Step]:
    """Make a new SECRET_KEY: open forms ask again, and so must links that are not mailed yet."""
    if not folder.read("secret_key"):
        return [_make(folder, settings, "secret_key", "open forms ask again")]
    folder.write("secret_key", new_secret())
    words = "secret_key: new; forms that are open, and links not mailed yet, are asked for again"
    return [Step(words, is_new=True)]


def rotate_database(
    folder: SecretFolder, owner: SecretFolder, settings: Settings, *, user: str
) -> list[Step]:
    """Give the database's users new passwords. Each user changes its own, which needs no rights."""
    return [
        _rotate_url(where, name, lambda old, new: _in_service(settings, user, old, new))
        for where, name in ((folder, SERVICE_URL), (owner, OWNER_URL))
        if where.read(name)
    ] or [Step("database: its URL is in no secret's file, nothing to do", is_new=False)]


def _rotate_url(folder: SecretFolder, name: str, change: Callable[[str, str], None]) -> Step:
    old = folder.read(name)
    if not make_url(old).password:
        return Step(f"{name}: holds no password, nothing to do", is_new=False)
    # 1. The new one is written beside, so that it is not lost between the next two steps.
    beside = f"{name}_next"
    new = folder.read(beside) or _with_password(old, new_secret())
    folder.write(beside, new)
    # 2. The database takes it. 3. So does the service.
    change(old, new)
    folder.write(name, new)
    folder.remove(beside)
    return Step(f"{name}: new password", is_new=True)


def _in_service(settings: Settings, user: str, old: str, new: str) -> None:
    in_child(lambda: change_password(settings, old, new), user=user)


def change_password(settings: Settings, old: str, new: str) -> None:
    """Let the user of these URLs have the password of the new one. Raises NotAllowed."""
    if _accepts(settings, new):  # an earlier run came this far
        return
    if not _accepts(settings, old, then=make_url(new).password):
        raise NotAllowed(
            "The database accepts neither the old nor the new password: set it by ALTER USER,"
            " and write it into the secret's file."
        )


def _accepts(settings: Settings, url: str, *, then: str | None = None) -> bool:
    engine = create_engine(url, poolclass=NullPool, connect_args=mariadb_connect_args(settings))
    try:
        with engine.begin() as connection:
            if then is not None:
                connection.execute(text("SET PASSWORD = PASSWORD(:password)"), {"password": then})
    except OperationalError as error:
        if (
            isinstance(error.orig, pymysql.err.OperationalError)
            and error.orig.args[0] == ACCESS_DENIED
        ):
            return False
        raise
    return True


def _with_password(url: str, password: str) -> str:
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def new_secret() -> str:
    """Return 48 random bytes as text that needs no quoting anywhere."""
    return secrets.token_urlsafe(48)
