"""Gunicorn's settings: `gunicorn -c gunicorn_config.py`. Every figure can be set from outside."""

import multiprocessing
import os
from typing import TYPE_CHECKING

from medical_ai.ops import watchdog

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

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


def when_ready(server: "Arbiter") -> None:
    """Keep telling systemd, where it watches, that requests are answered."""
    watchdog.watch_web([listener.sock for listener in server.LISTENERS])
