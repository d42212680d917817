"""What monitors ask."""

import hmac
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Literal, cast

from flask import Blueprint, Response, abort, current_app, request

from medical_ai.core.api import JSON_TYPE, api
from medical_ai.core.http import current_settings
from medical_ai.core.schemas import Output
from medical_ai.ops.health import Health, HealthProbe
from medical_ai.ops.metrics import CONTENT_TYPE, render_all

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
    return _probe().look()


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


@blueprint.get("/metrics")
@api(answers={200: None}, errors=[404])
def metrics() -> Response:
    """Return figures in Prometheus's text format.

    For this machine itself, and for whoever bears `METRICS_TOKEN`. To others there is nothing here.
    """
    if not (_is_local() or _bears_token()):
        abort(404)
    return Response(render_all(_probe()), content_type=CONTENT_TYPE)


def _probe() -> HealthProbe:
    return cast(HealthProbe, current_app.extensions["medical_ai.health"])


def _is_local() -> bool:
    with suppress(ValueError):  # a socket has no address: whoever came through it is not known
        return ip_address(request.remote_addr or "").is_loopback
    return False


def _bears_token() -> bool:
    wanted = current_settings().metrics_token.get_secret_value()
    offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(wanted) and hmac.compare_digest(offered.encode(), wanted.encode())
