"""Gunicorn's settings: `gunicorn -c gunicorn_config.py`. Every figure can be set from outside."""

import glob
import itertools
import logging
import multiprocessing
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from medical_ai.ops import watchdog

# An access log that cannot be written, as on a full disk, would fill the journal with thirty lines
# for each request. /health and `medical-ai doctor` say what is wrong.
logging.raiseExceptions = False

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

wsgi_app = "app:app"
proc_name = "medical-ai-assistant"
bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '5000')}")
workers = int(os.environ.get("WEB_CONCURRENCY", multiprocessing.cpu_count() * 2 + 1))
worker_class = "gthread"
# Each open stream holds a thread; the application admits fewer streams than there are threads.
threads = int(os.environ.get("WEB_THREADS", "24"))
timeout = 120
graceful_timeout = 30
keepalive = 5
max_requests = int(os.environ.get("WEB_MAX_REQUESTS", "1000"))
max_requests_jitter = max_requests // 10
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeat files in memory
preload_app = False  # a reload then picks up new code

certfile = os.environ.get("TLS_CERT_FILE") or None
keyfile = os.environ.get("TLS_KEY_FILE") or None

# Its control socket would be shared by instances of one user, who would then collide.
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1,::1"
limit_request_line = 4094
limit_request_fields = 60

accesslog = os.environ.get("ACCESS_LOG") or None
errorlog = os.environ.get("ERROR_LOG") or "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()
# The path without its query string: what somebody searched for is nobody's business.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms %({x-request-id}o)s'

# Where the workers leave their figures for /metrics: the folder of PROMETHEUS_MULTIPROC_DIR, or one
# of our own in memory. Set before the first worker is forked.
METRICS_FOLDER, METRICS_SLOT = "PROMETHEUS_MULTIPROC_DIR", "METRICS_SLOT"
OWN_FOLDER = "medical-ai-metrics-"


def on_starting(_server: "Arbiter") -> None:
    """Begin with no figures: those of a former run would be added to."""
    folder = os.environ.get(METRICS_FOLDER)
    if not folder:
        _forget_the_dead()
        named = f"{OWN_FOLDER}{os.getpid()}-"
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix=named, dir=worker_tmp_dir)
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for entry in os.scandir(folder):
        if entry.name.endswith(".db"):
            os.unlink(entry)


def _forget_the_dead() -> None:
    # Whoever was killed could not tidy up. What belongs to others cannot be removed by us.
    for left in glob.glob(f"{worker_tmp_dir or tempfile.gettempdir()}/{OWN_FOLDER}*"):
        pid = left.rpartition(OWN_FOLDER)[2].partition("-")[0]
        if not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(left, ignore_errors=True)


def pre_fork(server: "Arbiter", worker: "Worker") -> None:
    """Give a worker the lowest place that is free: whoever had it before counted in its file."""
    taken = {getattr(other, "metrics_slot", None) for other in server.WORKERS.values()}
    worker.metrics_slot = next(slot for slot in itertools.count() if slot not in taken)


def post_fork(_server: "Arbiter", worker: "Worker") -> None:
    """Tell the application, which is loaded next, its place."""
    os.environ[METRICS_SLOT] = str(worker.metrics_slot)


def child_exit(_server: "Arbiter", worker: "Worker") -> None:
    """Forget what a worker had under way; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.metrics_slot)


def on_exit(_server: "Arbiter") -> None:
    """Leave nothing in memory."""
    folder = os.environ.get(METRICS_FOLDER, "")
    if os.path.basename(folder).startswith(OWN_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)


def when_ready(server: "Arbiter") -> None:
    """Keep telling systemd, where it watches, that requests are answered."""
    watchdog.watch_web([listener.sock for listener in server.LISTENERS])
