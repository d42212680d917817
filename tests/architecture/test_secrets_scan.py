"""The scan for secrets finds one, and honours a line that says it is none."""

import secrets
from pathlib import Path

from tests.tools.secrets_scan import findings


def test_it_finds_a_key_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f'"""A file."""\nAWS = "AKIA{secrets.token_hex(8).upper()}"\n')
    assert [(path.name, line) for path, line, _ in findings([file])] == [("settings.py", 2)]


def test_it_honours_a_line_that_says_it_is_none(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    mark = "pragma: allowlist secret"
    file.write_text(f'AWS = "AKIA{secrets.token_hex(8).upper()}"  # {mark} - made up\n')
    assert list(findings([file])) == []
