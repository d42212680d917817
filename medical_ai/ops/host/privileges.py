"""Root reads the secrets; the service's own user does the work.

A file in DATA_DIR that belongs to root would stop the service, and what talks to a database or a
network needs no root. So whatever does runs as the service's user: the whole process from here
on, or a child of it.
"""

import json
import os
import pwd
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from medical_ai.core.config import SettingsError, hold_secrets
from medical_ai.core.errors import DomainError

KILL_SECONDS = 2.0


class NotAllowed(Exception):
    """A sentence for whoever may not do this, with what to type instead."""


class ChildFailed(Exception):
    """What a child raised: the type's name, and the message if it was meant to be read."""

    def __init__(self, kind: str, words: str = "") -> None:
        super().__init__(words or kind)
        self.kind = kind


MEANT_TO_BE_READ = (NotAllowed, ChildFailed, SettingsError, DomainError)


def is_root() -> bool:
    """Tell whether this process may do everything."""
    return os.geteuid() == 0


def require_root(command: str) -> None:
    """Refuse whoever is not root. Raises NotAllowed."""
    if not is_root():
        raise NotAllowed(f"This needs root. Run: sudo medical-ai {command}")


def require_readable(path: Path, command: str) -> None:
    """Refuse whoever may not read a file. Raises NotAllowed."""
    try:
        readable = os.access(path, os.R_OK) or not path.exists()
    except PermissionError:
        readable = False
    if not readable:
        name = pwd.getpwuid(os.geteuid()).pw_name
        raise NotAllowed(f"{path} cannot be read by {name}. Run: sudo medical-ai {command}")


def require_mode(path: Path, user: str) -> None:
    """Refuse to go on as a user who may not read the settings. Raises NotAllowed."""
    if not os.access(path, os.R_OK):
        mend = f"chown root:{user} {path} && chmod 0640 {path}"
        raise NotAllowed(f"{path} cannot be read by {user}. Run: {mend}")


def become(user: str) -> None:
    """Go on as the service's user, with the secrets in memory. Not root: changes nothing.

    Raises NotAllowed where there is no such user.
    """
    if not is_root():
        return
    hold_secrets()
    os.environ.pop("SECRETS_PREFIX", None)  # nothing is to be looked for there any more
    _drop(user)


class Child:
    """Something that runs in a process of its own, whose answer is plain JSON.

    With `user` it is that user from its first line on. Start children while this process has one
    thread: a fork takes along the locks of the others.
    """

    def __init__(self, work: Callable[[], Any], *, user: str | None = None) -> None:
        context = get_context("fork")
        self._answer, theirs = context.Pipe(duplex=False)
        self._began = time.monotonic()
        self._process = context.Process(target=_work_in_child, args=(work, user, theirs))
        self._process.start()
        theirs.close()

    def answer(self, *, seconds: float | None = None) -> Any:
        """Return its answer, at most so long after it was started; then it is ended.

        Raises TimeoutError, and ChildFailed for what the child raised.
        """
        left = None if seconds is None else max(0.0, self._began + seconds - time.monotonic())
        try:
            if not self._answer.poll(left):
                raise TimeoutError(f"no answer in {seconds:g} seconds")
            # Not pickle: whoever owns the child must not choose what root unpacks.
            said = json.loads(self._answer.recv_bytes())
        except EOFError:
            raise ChildFailed("EOFError", "it ended without an answer") from None
        finally:
            self._process.join(timeout=0.1)
            _end(self._process)
            self._answer.close()
        if "error" in said:
            raise ChildFailed(said["error"], said["words"])
        return said["result"]


def in_child(work: Callable[[], Any], *, user: str) -> Any:
    """Do something as the service's user and return its answer. Raises ChildFailed."""
    return Child(work, user=user).answer()


def _work_in_child(work: Callable[[], Any], user: str | None, answer: Connection) -> None:
    try:
        if user is not None and is_root():
            become(user)
        said = {"result": work()}
    except Exception as error:
        words = str(error) if isinstance(error, MEANT_TO_BE_READ) else ""
        said = {"error": getattr(error, "kind", type(error).__name__), "words": words}
    answer.send_bytes(json.dumps(said).encode())


def _end(child: BaseProcess) -> None:
    if child.is_alive():
        child.terminate()
        child.join(timeout=KILL_SECONDS)
    if child.is_alive():
        child.kill()
    child.join()


def _drop(user: str) -> None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        words = f"There is no user {user} on this host. Run: sudo deploy/install.sh"
        raise NotAllowed(words) from None
    if entry.pw_uid == os.geteuid():
        return
    sys.stdout.flush()
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ |= {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}
