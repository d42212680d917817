"""Running the programs that backups lean on, with a time limit, and never outliving us."""

import ctypes
import os
import signal
import subprocess  # fixed programs, arguments as lists, no shell  # nosec B404
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

from medical_ai.ops.backups.errors import NotConfigured, TimedOut

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: the signal for a program whose parent ends, however that one ends."""
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    output: str
    errors: str


def run(
    command: Sequence[str],
    *,
    seconds: float,
    environment: dict[str, str],
    given: IO[bytes] | None = None,
) -> Ended:
    """Run a program to its end. Raises TimedOut, and NotConfigured where it is not installed."""
    with _installed(command[0]):
        try:
            done = subprocess.run(  # noqa: S603 - fixed programs, arguments of ours  # nosec B603
                command,
                stdin=given or subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                env=environment,
                check=False,
                preexec_fn=partial(_end_with, os.getpid()),
            )
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{command[0]} took longer than {seconds:.0f} seconds.") from None
    return Ended(done.returncode, _decode(done.stdout), _decode(done.stderr))


class Reading:
    """A program whose output is read line by line."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        self._process, self._said = process, said
        self.is_late = False

    def stop(self) -> None:
        """End the program, because its time is over."""
        self.is_late = True
        self._process.kill()

    def lines(self) -> Iterator[bytes]:
        """Return its lines as they come."""
        if self._process.stdout is not None:
            yield from self._process.stdout

    def end(self) -> Ended:
        """Wait for its end."""
        code = self._process.wait()
        self._said.seek(0)
        return Ended(code, "", _decode(self._said.read()))


@contextmanager
def reading(
    command: Sequence[str], *, seconds: float, environment: dict[str, str]
) -> Iterator[Reading]:
    """Start a program whose lines are read inside the block; it is killed when it is late."""
    with _installed(command[0]), tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - the same  # nosec B603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=environment,
            preexec_fn=partial(_end_with, os.getpid()),
        )
        program = Reading(process, said)
        timer = threading.Timer(seconds, program.stop)
        timer.start()
        try:
            yield program
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if program.is_late:
            raise TimedOut(f"{command[0]} took longer than {seconds:.0f} seconds.")


def _end_with(parent: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended just before
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def _installed(program: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.filename == program:
            raise NotConfigured(f"{error.filename} is not installed.") from None
        raise


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
