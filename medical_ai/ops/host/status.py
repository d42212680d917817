"""How the installation is, on one screen."""

from medical_ai import __version__
from medical_ai.ops.host import maintenance
from medical_ai.ops.host.checks.registry import Check, Host
from medical_ai.ops.host.doctor import (
    AUDIT,
    BACKUP,
    CERTIFICATE,
    DATABASE,
    DISK,
    RESTORE_PROOF,
    SCHEMA,
    UNITS,
    WORKER,
)
from medical_ai.ops.host.findings import Finding, ok


def _say_version(_host: Host) -> Finding:
    return ok(__version__)


def _say_maintenance(host: Host) -> Finding:
    return maintenance.look(host.layout.maintenance)


STATUS = (
    Check("version", _say_version),
    UNITS,
    DATABASE,
    SCHEMA,
    WORKER,
    AUDIT,
    BACKUP,
    RESTORE_PROOF,
    CERTIFICATE,
    DISK,
    Check("maintenance", _say_maintenance),
)
