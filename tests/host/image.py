"""The bare Debian 12 server that every test host starts from: built once, kept in `.tools/`."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".tools" / "host"
SUITE = "bookworm"
BASE = (
    "systemd systemd-sysv dbus libpam-systemd iproute2 procps ca-certificates curl less logrotate"
    " cron tzdata openssl sudo adduser kmod udev python3 netbase"
)
"""What a server has before anybody installs anything on it."""

LOADED = (ROOT / "deploy" / "packages.txt").read_text(encoding="utf-8").split()
"""What the installation asks for: its archives lie on the host, as there is no network in it."""

TOOLS = "apache2-utils wrk pebble"
"""What only the tests use inside the host."""


def missing_for_hosts() -> str | None:
    """Return why no host can be booted here, or None."""
    if os.geteuid() != 0:
        return "booting a host needs root"
    for tool in ("systemd-nspawn", "mmdebstrap", "ip", "nsenter"):
        if shutil.which(tool) is None:
            return f"{tool} is missing: deploy/system-packages.sh host installs it"
    if not (
        Path("/sys/fs/cgroup/unified").is_dir() or Path("/sys/fs/cgroup/cgroup.procs").exists()
    ):
        return "there is no cgroup2 here"
    return None


def get_image() -> Path:
    """Return the folder of the image, built when there is none of these packages yet.

    Takes about half a minute and 900 MB the first time. Raises CalledProcessError with what
    mmdebstrap said.
    """
    wanted = f"{SUITE} {BASE} {TOOLS} {' '.join(LOADED)}"
    image = KEPT / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    if image.exists():
        return image
    part = image.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    command = ["mmdebstrap", "--quiet", "--format=directory", "--variant=minbase"]
    command += [f"--include={','.join(f'{BASE} {TOOLS}'.split())}"]
    command += ["--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "3"', "--skip=cleanup/apt"]
    load = "apt-get install -y --no-install-recommends --download-only"
    command += [f'--customize-hook=chroot "$1" {load} {" ".join(LOADED)}']
    command += ['--customize-hook=rm -f "$1/etc/resolv.conf"; : > "$1/etc/machine-id"']
    command += [SUITE, str(part)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    part.rename(image)
    return image
