"""Who may read the settings and the secrets, and whether that is as it should be."""

import grp
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medical_ai.ops.host.findings import Finding, fail, warn
from medical_ai.ops.host.layout import Layout

OTHERS = 0o007
GROUP_WRITES = 0o020
OWNER_READS, GROUP_READS = 0o400, 0o040


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who owns a path, and the widest mode it may have; whom that lets read must be able to."""

    path: Path
    owner: str
    group: str
    mode: int


def find_loose_files(layout: Layout) -> Iterator[Finding]:
    """Return what is wrong with the owners and modes of settings and secrets."""
    yield from look_at(Wanted(layout.env_file, "root", layout.user, 0o640))
    for folder in (layout.secrets, layout.owner):
        yield from look_at(Wanted(folder, "root", "root", 0o700))
        for secret in list_files(folder):
            yield from look_at(Wanted(secret, "root", "root", 0o600))
    for name in ("backup.env", "backup-password", "encryption-keys-former"):
        yield from look_at(Wanted(layout.etc / name, "root", "root", 0o600))


def list_files(folder: Path) -> list[Path]:
    """Return the files of a folder, none where it is not there."""
    return sorted(one for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []


def look_at(wanted: Wanted) -> Iterator[Finding]:
    """Return what is wrong with one path; nothing where there is no such path."""
    if not wanted.path.exists():
        return
    status = wanted.path.stat()
    mode = stat.S_IMODE(status.st_mode)
    mend = (
        f"chown {wanted.owner}:{wanted.group} {wanted.path} &&"
        f" chmod {wanted.mode:04o} {wanted.path}"
    )
    extra = mode & ~wanted.mode & 0o777
    if extra & (OTHERS | GROUP_WRITES | 0o070):
        yield fail(f"{wanted.path} is open to more than it should be ({mode:04o})", mend)
    if name_of_user(status.st_uid) != wanted.owner:
        yield fail(f"{wanted.path} belongs to {name_of_user(status.st_uid)}", mend)
    elif wanted.mode & 0o070 and name_of_group(status.st_gid) != wanted.group:
        yield warn(f"{wanted.path} is of the group {name_of_group(status.st_gid)}", mend)
    # A group of its owner's name adds nobody.
    readers = {wanted.group: GROUP_READS} | {wanted.owner: OWNER_READS}
    for name, bits in readers.items():
        if wanted.mode & bits & ~mode:
            yield fail(f"{wanted.path} cannot be read by {name} ({mode:04o})", mend)


def name_of_user(uid: int) -> str:
    """Return a user's name, or the number of one that is gone."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def name_of_group(gid: int) -> str:
    """Return a group's name, or the number of one that is gone."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
