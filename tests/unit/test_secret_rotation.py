"""Replacing what signs: the old secret counts until it need not, whatever is interrupted."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from medical_ai.core import clock
from medical_ai.ops.host import rotation
from medical_ai.ops.host.privileges import NotAllowed
from medical_ai.ops.host.secret_files import SecretFolder
from tests.support.settings import SECRETS, make_settings

NAMES = ("jwt_secret", "jwt_refresh_secret")


class PowerCut(Exception):
    """The machine went off."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SecretFolder]:
    """The secrets of a running installation."""
    made = SecretFolder(tmp_path)
    for name, value in SECRETS.items():
        made.write(name, value)
    yield made
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_secret_is_written_whole_and_for_its_owner_alone(folder: SecretFolder) -> None:
    folder.write("new_one", "value")
    assert folder.read("new_one") == "value"
    assert folder.path("new_one").stat().st_mode & 0o777 == 0o600
    assert folder.read("not there") == ""


def test_a_write_that_fails_leaves_the_old_secret(
    folder: SecretFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PowerCut

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(PowerCut):
        folder.write("jwt_secret", "half")
    monkeypatch.undo()
    assert folder.read("jwt_secret") == SECRETS["jwt_secret"]


def test_the_old_secret_goes_on_counting(folder: SecretFolder) -> None:
    rotation.rotate_jwt(folder, make_settings())
    for name in NAMES:
        assert folder.read(f"{name}_previous") == SECRETS[name]
        assert folder.read(name) not in ("", SECRETS[name])


def test_a_second_run_changes_nothing_and_says_so(folder: SecretFolder) -> None:
    rotation.rotate_jwt(folder, make_settings())
    now = {name: folder.read(name) for name in NAMES}
    again = rotation.rotate_jwt(folder, make_settings())
    assert not any(step.is_new for step in again)
    assert all("--finish" in step.words for step in again)
    assert now == {name: folder.read(name) for name in NAMES}


@pytest.mark.parametrize("writes", range(4))
def test_whatever_was_interrupted_a_second_run_completes(
    folder: SecretFolder, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    real, done = folder.write, 0

    def write(name: str, value: str) -> None:
        nonlocal done
        if done == writes:
            raise PowerCut
        done += 1
        real(name, value)

    monkeypatch.setattr(folder, "write", write)
    with pytest.raises(PowerCut):
        rotation.rotate_jwt(folder, make_settings())
    for name in NAMES:  # nobody is signed out, even now
        assert SECRETS[name] in {folder.read(name), folder.read(f"{name}_previous")}
    monkeypatch.undo()
    rotation.rotate_jwt(folder, make_settings())
    for name in NAMES:
        assert folder.read(f"{name}_previous") == SECRETS[name]
        assert folder.read(name) != SECRETS[name]


def test_the_former_ones_end_when_their_tokens_did(folder: SecretFolder) -> None:
    settings = make_settings()
    rotation.rotate_jwt(folder, make_settings())
    with pytest.raises(NotAllowed, match="--finish --now"):
        rotation.finish_jwt(folder, settings, now=False)
    long_ago = (clock.now() - timedelta(days=8)).timestamp()
    for name in NAMES:
        os.utime(folder.path(f"{name}_previous"), (long_ago, long_ago))
    assert len(rotation.finish_jwt(folder, settings, now=False)) == 2
    assert rotation.finish_jwt(folder, settings, now=False) == []
    assert folder.read("jwt_secret_previous") == ""


def test_a_stolen_secret_can_end_at_once(folder: SecretFolder) -> None:
    rotation.rotate_jwt(folder, make_settings())
    assert len(rotation.finish_jwt(folder, make_settings(), now=True)) == 2


def test_what_stands_in_the_settings_is_not_put_beside_them(folder: SecretFolder) -> None:
    folder.remove("jwt_secret")
    folder.remove("secret_key")
    for rotate in (rotation.rotate_jwt, rotation.rotate_secret_key):
        with pytest.raises(NotAllowed, match="stands in the settings"):
            rotate(folder, make_settings())


def test_what_is_missing_is_made(folder: SecretFolder) -> None:
    empty = make_settings(jwt_secret=SecretStr(""), secret_key=SecretStr(""))
    folder.remove("jwt_secret")
    folder.remove("secret_key")
    steps = [*rotation.rotate_jwt(folder, empty), *rotation.rotate_secret_key(folder, empty)]
    assert sum("there was none" in step.words for step in steps) == 2
    assert len({folder.read(name) for name in ("jwt_secret", "secret_key")} - {""}) == 2
    assert folder.read("jwt_secret_previous") == ""


def test_a_database_without_a_password_is_left_alone(folder: SecretFolder) -> None:
    settings = make_settings(database_url=SecretStr("mysql+pymysql://u@localhost/d"))
    [nothing] = rotation.rotate_database(folder, folder, settings, user="nobody")
    assert not nothing.is_new
    folder.write("database_url", "mysql+pymysql://u@localhost/d?unix_socket=/run/s")
    [nothing] = rotation.rotate_database(folder, folder, settings, user="nobody")
    assert "no password" in nothing.words
