"""A throwaway host: a real systemd as process 1, a network with a client on the other side."""

import contextlib
import itertools
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
DOMAIN = "medical.test"
HOST_ADDRESS, CLIENT_ADDRESS = "10.99.0.1", "10.99.0.2"
BOOT_SECONDS = 90.0
_numbers = itertools.count()


class Machine:
    """One host. What is written on it lasts over reboots and is gone with the object."""

    def __init__(self, image: Path, scratch: Path) -> None:
        self.name = f"host{os.getpid()}-{next(_numbers)}"
        self._image = image
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{self.name}.", dir=scratch))
        self.upper = self._scratch / "upper"
        for folder in (self.upper, self._scratch / "upper.work", self._scratch / "mounted"):
            folder.mkdir()
        unified = Path("/sys/fs/cgroup/unified")
        self._cgroup = (unified if unified.is_dir() else unified.parent) / self.name
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def open(self) -> None:
        """Make the networks and boot for the first time."""
        _sweep(self._scratch.parent, self._cgroup.parent)
        self._cgroup.mkdir()
        for space in (self.name, f"{self.name}c"):
            _call("ip", "netns", "add", space)
            _call("ip", "-n", space, "link", "set", "lo", "up")
        _call("ip", "link", "add", "eth0", "netns", self.name, "type", "veth",
              "peer", "name", "eth0", "netns", f"{self.name}c")  # fmt: skip
        for space, address in ((self.name, HOST_ADDRESS), (f"{self.name}c", CLIENT_ADDRESS)):
            _call("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            _call("ip", "-n", space, "link", "set", "eth0", "up")
        self.write("/etc/hosts", f"127.0.0.1 localhost testhost\n127.0.0.1 {DOMAIN}\n")
        (self._scratch / "hosts").write_text(f"127.0.0.1 localhost\n{HOST_ADDRESS} {DOMAIN}\n")
        self.boot()

    def boot(self) -> None:
        """Start the host and wait until its systemd is ready. Raises TimeoutError."""
        told = self._scratch / "notify"
        told.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(told))
            ready.settimeout(BOOT_SECONDS)
            console = (self._scratch / "console").open("ab")
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation",
                 "private", "bash", str(HERE / "boot.sh"), self.name, str(self._image),
                 str(self.upper), str(self._scratch / "mounted")],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env=os.environ | {"NOTIFY_SOCKET": str(told), "CGROUP": str(self._cgroup)},
            )  # fmt: skip
            self._await_ready(ready)

    def run(
        self, command: str, *, check: bool = True, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the host, as root, and return what it printed."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        unit = ["systemd-run", "--pipe", "--wait", "--collect", "--quiet", "-E", "HOME=/root"]
        return _shell([*inside, *unit, "bash", "-c", command], command, check, timeout)

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command on the client's side, and go on."""
        return subprocess.Popen(
            self._client(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def client(
        self, command: str, *, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command with this machine's programs, at the other end of the wire."""
        return _shell(self._client(command), command, check, timeout)

    def write(self, path: str, text: str) -> None:
        """Write a file of the host before it boots; afterwards use `run`."""
        target = self.upper / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def send(self, source: Path, folder: str) -> None:
        """Copy a file of this machine into a folder of the running host."""
        with source.open("rb") as content:
            subprocess.run(
                ["nsenter", "-t", str(self._leader), "-m", "--", "sh", "-c",
                 f"mkdir -p {shlex.quote(folder)} &&"
                 f" cat > {shlex.quote(f'{folder}/{source.name}')}"],
                stdin=content, check=True, timeout=300,
            )  # fmt: skip

    def fetch(self, path: str) -> str:
        """Return the text of a file of the running host."""
        return self.run(f"cat {shlex.quote(path)}").stdout

    def reboot(self) -> None:
        """Shut down in good order and boot again."""
        self.power_off()
        self.boot()

    def power_off(self) -> None:
        """Shut down in good order."""
        if self._process is None:
            return
        self._process.terminate()  # never SIGKILL: what runs inside would be left behind
        self._process.wait(timeout=90)
        self._process = None

    def close(self) -> None:
        """Take everything away again."""
        self.power_off()
        _remove(self.name, self._scratch, self._cgroup)

    def _client(self, command: str) -> list[str]:
        bound = (
            f"mount --bind {self._scratch}/hosts /etc/hosts && exec bash -c {shlex.quote(command)}"
        )
        return ["ip", "netns", "exec", f"{self.name}c", "bash", "-c", bound]

    def _await_ready(self, ready: socket.socket) -> None:
        while True:
            try:
                lines = ready.recv(4096).decode().splitlines()
            except TimeoutError:
                said = (self._scratch / "console").read_text(errors="replace")[-2000:]
                raise TimeoutError(f"the host did not boot: {said}") from None
            for line in lines:
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self._leader = int(line.partition("=")[2])
            if "READY=1" in lines:
                return


@contextlib.contextmanager
def booted(image: Path, scratch: Path) -> Iterator[Machine]:
    """Boot a host, and take it away afterwards whatever happened."""
    scratch.mkdir(parents=True, exist_ok=True)
    machine = Machine(image, scratch)
    try:
        machine.open()
        yield machine
    finally:
        machine.close()


def _sweep(scratch: Path, cgroups: Path) -> None:
    # What a run that was killed left behind.
    for folder in scratch.glob("host*.*"):
        name = folder.name.partition(".")[0]
        if not Path(f"/proc/{name.removeprefix('host').partition('-')[0]}").exists():
            _remove(name, folder, cgroups / name)


def _remove(name: str, scratch: Path, cgroup: Path) -> None:
    if (cgroup / "cgroup.kill").exists():
        (cgroup / "cgroup.kill").write_text("1")
        time.sleep(0.1)
    for folder in [*sorted(cgroup.rglob("*/"), reverse=True), cgroup]:
        with contextlib.suppress(OSError):
            folder.rmdir()
    for space in (name, f"{name}c"):
        subprocess.run(["ip", "netns", "del", space], check=False, timeout=30)
    shutil.rmtree(scratch, ignore_errors=True)


def _shell(
    arguments: list[str], command: str, check: bool, timeout: float
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
        check=False,
    )  # fmt: skip
    if check and done.returncode:
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        raise AssertionError(f"{command!r} ended with {done.returncode}:\n{said}")
    return done


def _call(*arguments: str) -> None:
    subprocess.run(arguments, check=True, timeout=30)
