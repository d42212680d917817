"""Checking settings and secrets as files, where the application may well be unable to start."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from medical_ai.auth.provider.claims import parse_role_map
from medical_ai.core.config import Settings, SettingsError, load_settings
from medical_ai.core.settings_checks import find_problems
from medical_ai.ops.host.env_file import find_line_problems, parse_as_systemd
from medical_ai.ops.host.findings import Finding, Level, fail, warn
from medical_ai.ops.host.layout import RELEASE, Layout
from medical_ai.ops.host.permissions import find_loose_files

LARGEST_FILE_BYTES = 1_048_576
READ_BY_GUNICORN = re.compile(r'environ\.get\(\s*"([A-Z_]+)"')
SECRET_NAMES = frozenset(
    name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
)
MAY_LIE_OPEN = frozenset({"ratelimit_storage_url"})
"""Is a secret only where its URL holds a password."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong, and how many settings were given."""

    findings: list[Finding]
    given: int

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is worse than a warning."""
        return all(one.level is not Level.FAIL for one in self.findings)


def check_config(layout: Layout, file: Path) -> Checked:
    """Check a file of settings with the installation's secrets, by the rules of production."""
    try:
        text = read_text(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Checked([fail(f"{file}: {reason}", "See --file and deploy/install.sh.")], 0)
    findings = [*_find_problems_of_lines(file, text), *_find_secrets_among_settings(text, layout)]
    findings += find_loose_files(replace_env_file(layout, file))
    values, given = _check_values(layout, file)
    return Checked(findings + values, given)


def replace_env_file(layout: Layout, file: Path) -> Layout:
    """Return the layout with another file of settings."""
    other = replace(layout)
    other.__dict__["env_file"] = file
    return other


def read_text(file: Path) -> str:
    """Return a file of settings. Raises OSError, and ValueError for what is none."""
    with file.open("rb") as opened:
        content = opened.read(LARGEST_FILE_BYTES + 1)
    if len(content) > LARGEST_FILE_BYTES:
        raise ValueError("this is too large for a file of settings")
    if b"\0" in content:
        raise ValueError("this is no text")
    return content.decode()


def known_names() -> frozenset[str]:
    """Return every variable that something of this release reads."""
    gunicorn = (RELEASE / "gunicorn_config.py").read_text(encoding="utf-8")
    ours = {name.upper() for name in Settings.model_fields}
    return frozenset(ours | set(READ_BY_GUNICORN.findall(gunicorn)))


@contextmanager
def only_files(file: Path, secrets: Path) -> Iterator[None]:
    """Let settings be read from these files alone while the block lasts."""
    before = dict(os.environ)
    names = {name.upper() for name in Settings.model_fields}
    for name in list(os.environ):
        if name.upper().removesuffix("_FILE") in names:
            del os.environ[name]
    os.environ |= {"ENV_FILE": str(file), "SECRETS_PREFIX": f"{secrets}/"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _find_problems_of_lines(file: Path, text: str) -> Iterator[Finding]:
    for problem in find_line_problems(text, known_names()):
        words = f"{file}:{problem.line} {problem.words}"
        kind = fail if problem.is_error else warn
        yield kind(words, f"Edit line {problem.line} of {file}.")


def _find_secrets_among_settings(text: str, layout: Layout) -> Iterator[Finding]:
    for one in parse_as_systemd(text):
        name = one.name.lower()
        if name in SECRET_NAMES - MAY_LIE_OPEN and one.value:
            yield warn(
                f"line {one.line} holds {one.name} itself",
                f"Put it into {layout.secrets / name} (root, 0600) and remove the line.",
            )


def _check_values(layout: Layout, file: Path) -> tuple[list[Finding], int]:
    mend = f"Edit {file}, or the secret's file in {layout.secrets}; see .env.template."
    with only_files(file, layout.secrets):
        problems, settings, given = _load_what_fits()
    if settings is None:
        return [fail(words, mend) for words in problems], 0
    problems += find_problems(settings)
    try:
        parse_role_map(settings)
    except SettingsError as error:
        problems.append(str(error))
    return [fail(words, mend) for words in problems], given


def _load_what_fits() -> tuple[list[str], Settings | None, int]:
    """Return what does not fit, settings with defaults in its place, and how many are given.

    The settings are those of production, whatever the file says.
    """
    problems: list[str] = []
    given = 0
    try:
        loaded = load_settings()
        given = len(loaded.model_fields_set)
        if not loaded.production:
            problems.append("PRODUCTION is off: that is for a laptop")
    except SettingsError as error:
        problems += str(error).split("; ")
    fields = Settings.model_fields
    names = {words.partition(":")[0].lower() for words in problems} & set(fields)
    defaults = {name: fields[name].get_default() for name in names}
    try:
        return problems, load_settings(**defaults | {"production": True}), given
    except SettingsError:  # a file that cannot be read, which has been said
        return problems, None, 0
