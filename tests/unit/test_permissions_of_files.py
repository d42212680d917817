"""Files that are too open, and files that whoever needs them cannot read."""

import os
import pwd
from pathlib import Path

import pytest

from medical_ai.ops.host import permissions
from medical_ai.ops.host.permissions import Wanted, look_at

USER = pwd.getpwuid(os.getuid()).pw_name
GROUP = "readers"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (0o640, []),
        (0o600, [f"cannot be read by {GROUP}"]),
        (0o040, [f"cannot be read by {USER}"]),
        (0o644, ["is open to more than it should be"]),
    ],
)
def test_both_ways_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, words: list[str]
) -> None:
    monkeypatch.setattr(permissions, "name_of_group", lambda _gid: GROUP)
    file = tmp_path / "medical-ai.env"
    file.touch()
    file.chmod(mode)
    found = list(look_at(Wanted(file, USER, GROUP, 0o640)))
    assert len(found) == len(words)
    assert all(word in one.found for word, one in zip(words, found, strict=True))
    assert all(f"chmod 0640 {file}" in one.mend for one in found)
