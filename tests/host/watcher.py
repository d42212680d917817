"""Looks at the command lines of all processes, again and again, and keeps each one once.

    python3 watcher.py FILE

Runs on the host itself with nothing but Python. Writes the file when it is told to end.
"""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Look until SIGTERM comes."""
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    seen: set[bytes] = set()
    while going:
        for name in os.listdir("/proc"):
            if name.isdecimal():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as words:
                        seen.add(words.read())
                except OSError:  # it ended meanwhile
                    continue
    Path(sys.argv[1]).write_bytes(b"\n".join(line.replace(b"\0", b" ") for line in seen))


if __name__ == "__main__":
    main()
