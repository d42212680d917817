"""`python -m tests.tools.secrets_scan` looks for secrets in every file that git tracks.

There is no baseline file: a line that only looks like a secret says so itself, with
`# pragma: allowlist secret` and why.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parents[2]
# Locks are lists of hashes; the data is prose about medicine.
LEFT_OUT = (
    "requirements.txt",
    "requirements-dev.txt",
    "tests/support/oidc/package-lock.json",
    "medical_ai/knowledge/data/",
)


def tracked_files(root: Path) -> list[Path]:
    """Return the files git tracks, but those that are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith(LEFT_OUT)]
    return [root / name for name in names if (root / name).is_file()]


def findings(paths: Iterable[Path]) -> Iterator[tuple[Path, int, str]]:
    """Return file, line and kind of whatever looks like a secret; never the secret."""
    with default_settings():
        for path in paths:
            for secret in scan_file(str(path)):
                yield path, secret.line_number, secret.type


def main() -> int:
    """Print where secrets seem to be; return 1 if there are any."""
    found = list(findings(tracked_files(ROOT)))
    for path, line, kind in found:
        print(f"{path.relative_to(ROOT)}:{line}: {kind}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
