"""How commands end and print, the same way in all of them."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar

import click

from medical_ai.core.config import SettingsError
from medical_ai.core.errors import DomainError
from medical_ai.ops.host.findings import Level, Result
from medical_ai.ops.host.privileges import ChildFailed, NotAllowed
from medical_ai.ops.host.programs import ProgramMissing

P = ParamSpec("P")
R = TypeVar("R")
COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def stop(words: str) -> NoReturn:
    """End with a sentence and the exit code that says something is wrong."""
    click.echo(words, err=True)
    sys.exit(1)


def in_sentences(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a command raises for its operator into a sentence and exit code 1."""

    @wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            stop(f"Not configured: {error}\nsudo medical-ai config check says more.")
        except DomainError as error:
            stop(error.detail)
        except NotAllowed as error:
            stop(str(error))
        except ChildFailed as error:
            is_away = error.kind == "OperationalError"
            said = "The database does not answer." if is_away else f"It failed: {error}."
            stop(f"{said} Run: sudo medical-ai doctor")
        except ProgramMissing as error:
            stop(f"{error} is not on this host.")
        except PermissionError as error:
            stop(f"{error.filename} is not for you. Run the command with sudo.")

    return spoken


def join_alike(results: list[Result]) -> list[Result]:
    """Return results with those of one cause in one line, where the first of them stands.

    Nine checks that got no answer from the same nginx say one thing, not nine.
    """
    alike: dict[tuple[str, ...], list[Result]] = {}
    for one in results:
        alone = one.name if one.level is Level.OK else ""  # what is good is good each for itself
        alike.setdefault((alone, one.level, one.found, one.mend), []).append(one)
    return [
        replace(first, name=", ".join([first.name, *(one.name for one in others)]))
        for first, *others in alike.values()
    ]


def show(results: list[Result], *, as_json: bool) -> NoReturn:
    """Print what checks found and end: 1 where one of them failed."""
    failed = any(one.level is Level.FAIL for one in results)
    if as_json:
        checks = [one.as_json() for one in results]
        click.echo(json.dumps({"healthy": not failed, "checks": checks}, indent=2))
    for one in [] if as_json else join_alike(results):
        first, *mends = one.lines()
        level = click.style(f"{one.level.value:4}", fg=COLOURS[one.level])
        click.echo(level + first[4:])  # colours are left out where this is no terminal
        for mend in mends:
            click.echo(mend)
    sys.exit(1 if failed else 0)
