"""Reading the settings' file as systemd does, and finding where python-dotenv reads it otherwise.

The units get the file through `EnvironmentFile=`, the commands through `ENV_FILE`. A line that the
two understand differently gives the service one value and the operator another. Pure.
"""

import difflib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dotenv import dotenv_values

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
BLANK = " \t\r\n"
NEEDS_ESCAPE = '"\\`$'


@dataclass(frozen=True, slots=True)
class Assignment:
    """One variable as systemd reads it, and the line it begins on."""

    line: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line; the words name the variable and never its value."""

    line: int
    words: str
    is_error: bool = True


def find_line_problems(text: str, known: frozenset[str]) -> list[LineProblem]:
    """Return what is wrong with the file itself, in the order of its lines."""
    read = parse_as_systemd(text)
    problems = [
        *_find_broken_names(read),
        *_find_duplicates(read),
        *_find_disagreements(text, read),
    ]
    problems += _find_unknown(read, known)
    return sorted(problems, key=lambda one: one.line)


def parse_as_systemd(text: str) -> list[Assignment]:
    """Return the file's assignments after the rules of systemd.exec(5), EnvironmentFile=."""
    found, position, line = [], 0, 1
    while position < len(text):
        name, value, end = _read_one(text, position)
        begins = line + _leading_lines(text, position)
        line += text.count("\n", position, end)
        position = end
        if name is not None:
            found.append(Assignment(begins, name, value))
    return found


def _leading_lines(text: str, position: int) -> int:
    rest = text[position:]
    return rest[: len(rest) - len(rest.lstrip(BLANK))].count("\n")


def _read_one(text: str, position: int) -> tuple[str | None, str, int]:
    """Return the next name (None: a comment, or a line that is none), its value and the end."""
    while position < len(text) and text[position] in BLANK:
        position += 1
    if position >= len(text):
        return None, "", position
    if text[position] in "#;":
        return None, "", _end_of_comment(text, position)
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    equals = text.find("=", position, end)
    if equals < 0:
        return text[position:end].strip(BLANK), "", end + 1
    value, after = _read_value(text, equals + 1)
    return text[position:equals].strip(BLANK), value, after


def _end_of_comment(text: str, position: int) -> int:
    while position < len(text) and text[position] != "\n":
        position += 2 if text[position] == "\\" else 1
    return position + 1


def _read_value(text: str, position: int) -> tuple[str, int]:
    value = ""
    while position < len(text) and text[position] != "\n":
        letter = text[position]
        if letter in "'\"":
            quoted, position = _read_quoted(text, position + 1, letter)
            value += quoted
        elif letter in BLANK:
            position += 1
        else:
            plain, position = _read_plain(text, position)
            value += plain
    return value, position + 1


def _read_quoted(text: str, position: int, quote: str) -> tuple[str, int]:
    value = ""
    while position < len(text) and text[position] != quote:
        if quote == '"' and text[position] == "\\":
            following = text[position + 1 : position + 2]
            value += following if following in NEEDS_ESCAPE else "\\" + following
            value = value.removesuffix("\\\n")
            position += 2
        else:
            value += text[position]
            position += 1
    return value, position + 1


def _read_plain(text: str, position: int) -> tuple[str, int]:
    value, keeps = "", 0
    while position < len(text) and text[position] != "\n":
        if text[position] == "\\":
            value += text[position + 1 : position + 2].replace("\n", "")
            keeps = len(value)
            position += 2
        else:
            value += text[position]
            position += 1
    return value[:keeps] + value[keeps:].rstrip(BLANK), position


def _find_broken_names(read: list[Assignment]) -> Iterator[LineProblem]:
    for one in read:
        if one.name.startswith("export "):
            yield LineProblem(one.line, "starts with `export`, and systemd then ignores the line")
        elif not NAME.match(one.name):
            yield LineProblem(one.line, "is no NAME=value; systemd ignores it")


def _find_duplicates(read: list[Assignment]) -> Iterator[LineProblem]:
    seen: dict[str, int] = {}
    for one in read:
        if NAME.match(one.name) and one.name in seen:
            yield LineProblem(one.line, f"sets {one.name} again, after line {seen[one.name]}")
        seen.setdefault(one.name, one.line)


def _find_disagreements(text: str, read: list[Assignment]) -> Iterator[LineProblem]:
    theirs = dotenv_values(stream=io.StringIO(text))
    for one in {one.name: one for one in read if NAME.match(one.name)}.values():
        other = theirs.get(one.name)
        if other != one.value:
            yield LineProblem(one.line, f"gives {one.name} {_why(text, one)}")


def _why(text: str, one: Assignment) -> str:
    line = text.splitlines()[one.line - 1].partition("=")[2]
    for mark, what in (
        ("\\", "a backslash"),
        (" #", "a comment behind the value"),
        ("${", "a `${`"),
        ("'", "a quote"),
        ('"', "a quote"),
    ):
        if mark in line:
            return (
                f"another value in the units than in the commands, because of {what}: write the"
                " bare value, or in single quotes"
            )
    return "another value in the units than in the commands: write the bare value"


def _find_unknown(read: list[Assignment], known: frozenset[str]) -> Iterator[LineProblem]:
    for one in read:
        if not NAME.match(one.name) or one.name in known:
            continue
        if one.name.endswith("_FILE") and one.name.removesuffix("_FILE") in known:
            yield LineProblem(
                one.line,
                f"sets {one.name}, which the commands do not look for here",
                is_error=False,
            )
            continue
        near = difflib.get_close_matches(one.name.upper(), known, n=1)
        meant = f"; the nearest is {near[0]}" if near else ""
        yield LineProblem(one.line, f"sets {one.name}, which nothing reads{meant}")
