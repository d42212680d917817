"""A private MariaDB server: its own folder, a unix socket, no network, gone with the tests."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import pymysql

from tests.support.waiting import wait_until

START_SECONDS = 60.0
# Durable enough for a killed process; a power cut during a test run loses nothing of value.
OPTIONS = (
    "--skip-networking",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-fast-shutdown=2",
    "--skip-innodb-doublewrite",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
)


class MariaDBServer:
    """One server. Starts when entered and ends, with its folder, when left.

    `inside` is a command that runs it elsewhere, such as in another network.
    """

    def __init__(self, *more: str, inside: tuple[str, ...] = ()) -> None:
        self._more, self._inside = more, inside
        # Not pytest's tmp_path: a unix socket's path holds 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="medical-ai-mariadb-"))
        self.socket = self.folder / "mysql.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "MariaDBServer":
        self._install()
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server on its folder and wait until it answers."""
        log = (self.folder / "server.log").open("ab")
        command = [
            *self._inside,
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
        ]
        command += [f"--socket={self.socket}", f"--pid-file={self.folder / 'pid'}", *OPTIONS]
        # Two servers in one folder for temporary tables delete each other's.
        command += [f"--tmpdir={self.folder}", *self._more]
        self._process = subprocess.Popen([*command, *_as_user()], stdout=log, stderr=log)
        log.close()
        wait_until(self._answers, seconds=START_SECONDS, what="MariaDB answers")

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let the server hang: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def create_database(self, name: str) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE DATABASE `{name}` CHARACTER SET utf8mb4")
        return f"mysql+pymysql://root@localhost/{name}?unix_socket={self.socket}"

    def _install(self) -> None:
        command = [_program("mariadb-install-db"), "--no-defaults", "--skip-test-db"]
        command += [f"--datadir={self.folder / 'data'}", "--auth-root-authentication-method=normal"]
        own = os.environ | {"TMPDIR": str(self.folder)}
        done = subprocess.run(
            [*command, *_as_user()], capture_output=True, text=True, check=False, env=own
        )
        assert done.returncode == 0, done.stderr

    def _connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(unix_socket=str(self.socket), user="root", connect_timeout=2)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "server.log").read_text(errors="replace")[-2000:])
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found is not None, f"{name} is not installed; deploy/system-packages.sh test does it"
    return found


def _as_user() -> list[str]:
    # The server refuses to run as root unless told so.
    return ["--user=root"] if os.geteuid() == 0 else []
