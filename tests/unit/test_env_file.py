"""The settings' file: read as systemd does, and what python-dotenv would read otherwise."""

import random
import subprocess
from pathlib import Path

import pytest

from medical_ai.ops.host.env_file import find_line_problems, parse_as_systemd

KNOWN = frozenset({"SMTP_HOST", "SMTP_PORT", "MAIL_FROM", "JWT_SECRET"})
GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
PIECES = ("a", "b", " ", '"', "'", "\\", "#", ";", "=", "\n", "A=", "\nB=", "\nC=", "x y", "\\\n")
CANARY = "canary-value"


def read(text: str) -> dict[str, str]:
    """Return what systemd would."""
    return {one.name: one.value for one in parse_as_systemd(text)}


def said(text: str) -> str:
    """Return everything that is wrong with a file."""
    found = find_line_problems(text, KNOWN)
    return "\n".join(f"{one.line}: {one.words}" for one in found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=plain", "plain"),
        ("A=  two words  ", "two words"),
        ("A='single $x \\ kept'", "single $x \\ kept"),
        ('A="a \\"quote\\" and \\x"', 'a "quote" and \\x'),
        ("A=b # not a comment", "b # not a comment"),
        ("A=back\\slash", "backslash"),
        ("A=one\\\ntwo", "onetwo"),
        ("A='one''two'", "onetwo"),
        ("; a comment\n  A=b", "b"),
        ("# goes \\\nA=c\nA=b", "b"),
        ("A=", ""),
    ],
)
def test_it_is_read_by_systemds_rules(text: str, value: str) -> None:
    assert read(text)["A"] == value


@pytest.mark.skipif(not GENERATOR.exists(), reason="systemd's own reader is not on this machine")
def test_systemds_own_reader_says_the_same(tmp_path: Path) -> None:
    """The generator for environment.d shares its parser; it only drops what is empty."""
    pick, compared = random.Random(7), 0  # noqa: S311 - made-up files, not secrets
    folder = tmp_path / "environment.d"
    folder.mkdir()
    for _ in range(200):
        text = "A=" + "".join(pick.choice(PIECES) for _ in range(pick.randint(1, 12))) + "\n"
        ours = {name: value for name, value in read(text).items() if name in {"A", "B", "C"}}
        if any("\n" in one.value or not one.value for one in parse_as_systemd(text)):
            continue  # spelled in another way by the generator, or dropped
        (folder / "x.conf").write_text(text)
        own = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
        spelled = subprocess.run([GENERATOR], env=own, capture_output=True, text=True, check=True)
        theirs = subprocess.run(
            ["bash", "-c", f"unset A B C\n{spelled.stdout}\nfor n in A B C; do"
             ' [ -z "${!n}" ] || printf "%s=%s\\n" "$n" "${!n}"; done'],
            env={}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ours == dict(line.split("=", 1) for line in theirs.stdout.splitlines()), text
        compared += 1
    assert compared > 30


def test_a_sound_file_has_no_problems() -> None:
    text = (
        "# words\n\nSMTP_HOST=mail.example.org\nSMTP_PORT=587\n"
        'MAIL_FROM="Us <us@example.org>"\nJWT_SECRET=\n'
    )
    assert said(text) == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("export SMTP_HOST=a", "export"),
        ("SMTP_HOST mail", "no NAME=value"),
        (f"SMPT_HOST={CANARY}", "the nearest is SMTP_HOST"),
        (f"ZZZZ={CANARY}", "which nothing reads"),
        (f"JWT_SECRET_FILE={CANARY}", "JWT_SECRET_FILE"),
        (f"SMTP_HOST={CANARY} # words", "a comment behind the value"),
        (f"SMTP_HOST={CANARY}\\x", "a backslash"),
        (f"SMTP_HOST={CANARY}${{HOME}}", "a `${`"),
        (f"SMTP_HOST={CANARY}'s'\"t\"", "SMTP_HOST"),
    ],
)
def test_each_problem_names_its_line_and_shows_no_value(line: str, words: str) -> None:
    found = said(f"SMTP_PORT=25\n{line}\n")
    if line.endswith('"t"'):  # both readers take quotes inside a value as they are
        assert found == ""
        return
    assert found.startswith("2: ")
    assert words in found
    assert CANARY not in found


def test_a_name_that_is_set_twice_is_found() -> None:
    assert "3: sets SMTP_HOST again, after line 1" in said("SMTP_HOST=a\n\nSMTP_HOST=b\n")
