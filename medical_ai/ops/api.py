"""What monitors ask."""

from datetime import datetime
from typing import Literal, cast

from flask import Blueprint, Response, current_app

from medical_ai.core.api import JSON_TYPE, api
from medical_ai.core.schemas import Output
from medical_ai.ops.health import Health, HealthProbe

blueprint = Blueprint("ops_api", __name__)


class RemindersRead(Output):
    """Whether reminders are being sent, and how late the last day's were."""

    status: str
    lateness_p99_seconds: float | None
    last_tick_at: datetime | None


class BackupsRead(Output):
    """When the last good backup was made, and when one was last proven to restore."""

    last_backup_at: datetime | None
    last_restore_proof_at: datetime | None


class HealthRead(Output):
    """How the installation is."""

    status: Literal["healthy", "degraded", "unhealthy"]
    database: Literal["connected", "unreachable"]
    reminders: RemindersRead
    backups: BackupsRead
    version: str
    checks: dict[str, str]


class Alive(Output):
    """The process answers."""

    status: Literal["alive"] = "alive"


def read_health() -> Health:
    """Return the present health of this process's application."""
    return cast(HealthProbe, current_app.extensions["medical_ai.health"]).look()


@blueprint.get("/health")
@api(answers={200: HealthRead, 503: HealthRead})
def health() -> Response:
    """Tell how the installation is; 503 when the database is away.

    `degraded` means that requests are answered but no worker is sending reminders, the audit log
    is not being sealed, or backups were begun and are late, failing or not proven.
    """
    now = read_health()
    return Response(now.body, now.status, mimetype=JSON_TYPE)


@blueprint.get("/health/ready")
@api(answers={200: HealthRead, 503: HealthRead})
def health_ready() -> Response:
    """Tell whether requests can be served; 503 when the database is away."""
    now = read_health()
    return Response(now.body, now.status, mimetype=JSON_TYPE)


@blueprint.get("/health/live")
@api(answers={200: Alive})
def health_live() -> Alive:
    """Tell whether the process answers at all."""
    return Alive()
