"""What the handbook tells an operator to type exists: commands, options, units, scripts, pages."""

import re
from pathlib import Path

import click
import pytest
from flask import Flask

from medical_ai.ops.cli import commands
from medical_ai.ops.commands import register_commands
from tests.support.handbook import PAGES, ROOT, list_commands

UNITS = {path.name for path in (ROOT / "deploy/systemd").glob("*.*")} | {"medical-ai.service"}
SCRIPT = re.compile(r"(?:/opt/medical-ai/current|medical-ai-[0-9.]+)?/?(deploy/[\w./-]+\.sh)")


def calls_of(program: str) -> list[tuple[str, list[str]]]:
    """Return every call of a program in the handbook: its page and its words."""
    found = []
    for page in PAGES:
        for line in list_commands(page):
            for part in re.split(r"&&|\|(?= )|;", line):
                words = part.split()
                if words and words[0] == program:
                    found.append((page.name, words[1:]))
    return found


@pytest.mark.parametrize(("page", "words"), calls_of("medical-ai"))
def test_the_operators_command_takes_what_is_written(page: str, words: list[str]) -> None:
    app = Flask("handbook")
    register_commands(app)
    command: click.Command | None = commands
    context = click.Context(commands)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] == "COMMAND":
            return
        if command is commands:
            command = commands.commands.get(words[0]) or app.cli.commands.get(words[0])
        else:
            command = command.get_command(context, words[0])
        assert command is not None, f"{page}: medical-ai has no {words[0]}"
        words = words[1:]
    assert command is not None
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options | {"--help"}, f"{page}: {word}"


def test_units_and_scripts_are_ours() -> None:
    text = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    for page, words in text.items():
        for unit in re.findall(r"\bmedical-ai[a-z-]*\.(?:service|socket|target|timer)\b", words):
            assert unit in UNITS, f"{page}: {unit}"
        for script in SCRIPT.findall(words):
            assert (ROOT / script).exists(), f"{page}: {script}"


def test_every_alert_and_emergency_has_its_page() -> None:
    rules = (ROOT / "deploy/monitoring/medical-ai.rules.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"runbooks/([\w-]+)\.md", rules))
    pages = {page.stem for page in (ROOT / "docs/runbooks").glob("*.md")}
    emergencies = {
        "crash-loop", "database-down", "disk-full", "certificate-expiry", "high-load-or-attack",
        "reminder-backlog", "lost-secret", "suspected-breach", "restore", "rollback",
        "another-host", "backup-failed",
    }  # fmt: skip
    assert named
    assert named | emergencies <= pages


def test_links_between_pages_lead_somewhere() -> None:
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[\w-]+)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            assert Path(target).suffix == ".md"
