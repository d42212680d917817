"""What the database says of the installation, for Prometheus: asked when somebody asks us.

Each source reads with the health probe's own short timeouts and gives gauges; one that fails takes
the database for away, and what the process counted by itself is still told.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from medical_ai import __version__
from medical_ai.audit.sealing import sealing_lag_seconds
from medical_ai.core import clock
from medical_ai.core.metrics import render_metrics
from medical_ai.jobs import service as jobs
from medical_ai.medications import ledger
from medical_ai.ops.backups.service import PASS, last_runs
from medical_ai.ops.health import HealthProbe
from medical_ai.ops.heartbeat import read_reminder_health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Metric = GaugeMetricFamily | InfoMetricFamily


def render_all(probe: HealthProbe) -> bytes:
    """Return everything there is to tell, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_State(probe))
    return render_metrics() + generate_latest(registry)


class _State(Collector):
    def __init__(self, probe: HealthProbe) -> None:
        self._probe = probe

    def collect(self) -> Iterator[Metric]:
        """Yield the state as Prometheus's library wants it."""
        yield InfoMetricFamily("medical_ai_build", "What runs here.", {"version": __version__})
        try:
            with self._probe.open_session() as session:
                found = [metric for source in SOURCES for metric in source(session)]
        except (SQLAlchemyError, OSError):
            found = []
        yield _gauge("medical_ai_database_up", "Whether the database answers.", bool(found))
        yield from found


def _jobs(session: Session) -> Iterator[Metric]:
    counts = jobs.count_jobs(session)
    text = "Jobs: waiting for their time, late by more than a minute, running, given up."
    yield _by_state("medical_ai_jobs", text, counts)


def _doses(session: Session) -> Iterator[Metric]:
    text = "Doses to be reminded of: due, and late by more than a minute."
    yield _by_state("medical_ai_doses_unsent", text, ledger.count_unsent(session))


def _worker(session: Session) -> Iterator[Metric]:
    reminders = read_reminder_health(session)
    if reminders.last_tick_at is not None:
        age = (clock.now() - reminders.last_tick_at).total_seconds()
        text = "Seconds since a worker last said that it lives."
        yield _gauge("medical_ai_worker_heartbeat_age_seconds", text, age)
    if reminders.lateness_p99_seconds is not None:
        text = "How late the last day's reminders were, at the 99th percentile."
        late = reminders.lateness_p99_seconds
        yield _gauge("medical_ai_reminder_lateness_p99_seconds", text, late)


def _audit(session: Session) -> Iterator[Metric]:
    text = "Age of the oldest event of the audit log that is not sealed yet."
    yield _gauge("medical_ai_audit_unsealed_seconds", text, sealing_lag_seconds(session))


def _backups(session: Session) -> Iterator[Metric]:
    runs = last_runs(session)
    text = "Whether the last backup, and the last proof that one restores, is good and not too old."
    states = {"backup": runs.backup, "restore-proof": runs.restore_proof}
    good = {name: int(state == PASS) for name, state in states.items()}
    yield _labelled("medical_ai_backup_good", text, "kind", good)
    ends = {"backup": runs.backup_at, "restore-proof": runs.proof_at}
    ages = {
        name: (clock.now() - end).total_seconds() for name, end in ends.items() if end is not None
    }
    yield _labelled("medical_ai_backup_age_seconds", "Since the last good one ended.", "kind", ages)


SOURCES: tuple[Callable[[Session], Iterator[Metric]], ...] = (
    _jobs,
    _doses,
    _worker,
    _audit,
    _backups,
)
"""What is asked of the database, each in a few indexed rows."""


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _by_state(name: str, text: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    return _labelled(name, text, "state", counts)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
