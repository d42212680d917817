"""The checks there are, and what runs them: each in a process of its own, and never for long."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from medical_ai.core.config import Settings, SettingsError, load_settings
from medical_ai.core.settings_checks import check_settings
from medical_ai.ops.host.findings import Finding, Level, Result
from medical_ai.ops.host.layout import Layout
from medical_ai.ops.host.privileges import Child, ChildFailed

SECONDS = 5.0
DATABASE = "See what the check named database says."
LOOK = "journalctl --unit medical-ai --since -10min"


@dataclass(frozen=True)
class Host:
    """What a check may look at."""

    layout: Layout
    settings: Settings
    address: str = "127.0.0.1"
    """Where the site is asked, whatever its name says."""

    @property
    def data(self) -> Path:
        """The folder of the service's own files."""
        return self.settings.data_dir.absolute()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `as_service`: what it touches must not see root."""

    name: str
    look: Callable[[Host], Finding]
    as_service: bool = False


def load_host(layout: Layout, *, address: str = "127.0.0.1") -> Host:
    """Return the host with the installation's settings. Raises SettingsError."""
    settings = load_settings()
    check_settings(settings)
    return Host(layout, settings, address)


def run_checks(host: Host, checks: Iterable[Check], *, seconds: float = SECONDS) -> list[Result]:
    """Run checks side by side and return what they found, in their order."""
    # All are started before any is waited for; together they take as long as the slowest.
    started = [(one, _start(host, one)) for one in checks]
    return [_finish(check, child, seconds) for check, child in started]


def _start(host: Host, check: Check) -> Child:
    return Child(
        lambda: asdict(check.look(host)), user=host.layout.user if check.as_service else None
    )


def _finish(check: Check, child: Child, seconds: float) -> Result:
    try:
        said = child.answer(seconds=seconds)
    except TimeoutError:
        return Result(check.name, Level.FAIL, f"no answer in {seconds:g} seconds", LOOK)
    except ChildFailed as error:
        if error.kind == "OperationalError":
            return Result(check.name, Level.FAIL, "unknown: the database does not answer", DATABASE)
        return Result(check.name, Level.FAIL, f"the check failed: {error}", LOOK)
    return Result(check.name, Level(said["level"]), said["found"], said["mend"])


def explain_settings(error: SettingsError) -> Result:
    """Return the result of a host whose settings cannot be used."""
    return Result("settings", Level.FAIL, str(error), "sudo medical-ai config check")
