"""How gunicorn serves the site; the variables are listed in .env.example.

Processes for the processors, threads for the waiting: a page view waits for nothing, a
recorded choice waits for the disk of the database.
"""

import logging
import os
import shutil
import tempfile
from pathlib import Path

from gunicorn.glogging import Logger

_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

wsgi_app = "privacy_site.wsgi:application"
bind = os.environ.get("BIND", "127.0.0.1:8000")
# On a file nobody has an address: no proxy could be believed, and one visitor could not be told from another.
if "unix:" in bind:
    raise SystemExit("BIND has to be an address and a port, such as 127.0.0.1:8000, or [::]:8000 for all; not a file.")
# gunicorn's threads ("gthread"), which nobody can hold by sending or reading slowly.
worker_class = "privacy_site.serving.PatientWorker"
# At least two, so that one that restarts leaves one that answers.
workers = int(os.environ.get("WEB_CONCURRENCY") or min(max(_processors, 2), 8))
# More than the database pool of a process has connections (DATABASE_POOL_SIZE). Measured with pages and choices at
# once: with eight, both take longer; with two, half as many pages are answered a second (docs/benchmarks.md).
threads = int(os.environ.get("WEB_THREADS") or 4)
# Each process has its own pool of connections and its own thread that notices publications;
# neither survives a fork.
preload_app = False

# A worker whose main loop hangs is replaced; one that stops may finish what it has begun,
# within the ten seconds that Docker and Kubernetes grant or more.
timeout = 30
graceful_timeout = 8
# Longer than the pause between a visitor's page and its style sheet, shorter than a proxy's patience.
keepalive = 5

# Heartbeats must not wait for a disk, and the container's root file system is read-only.
worker_tmp_dir = None
if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):  # noqa: S108 - memory shared by no one else
    worker_tmp_dir = "/dev/shm"  # noqa: S108
# Nothing is controlled from outside but by signals.
control_socket_disable = True

# The longest address of ours has 60 characters, the largest header is a company's cookies.
limit_request_line = 2048
limit_request_fields = 64
limit_request_field_size = 8190

# Forwarded headers are believed by our own middleware, from TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
secure_scheme_headers = {}
forwarder_headers = ""

# Addresses of visitors are personal data: no access log. Errors go to standard error.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "INFO").lower()


class InOurForm(Logger):
    """gunicorn's own log as the site writes its own, and as silent about visitors."""

    def setup(self, cfg):
        # Not before: only now gunicorn has made the directory of the site one to import from.
        from privacy_site.logs import FORMATS, LineFormatter

        super().setup(cfg)
        # Below this, gunicorn writes the path of every request.
        self.error_log.setLevel(max(self.error_log.level, logging.INFO))
        for handler in self.error_log.handlers:
            handler.setFormatter(FORMATS.get(os.environ.get("LOG_FORMAT", ""), LineFormatter)())


logger_class = InOurForm


# Workers count in files that every one of them can read for /metrics: in memory, for nobody else, new at each start.
def on_starting(server):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="privacy-figures-", dir=worker_tmp_dir)


def pre_fork(server, worker):
    # Whoever tidies up takes away what is not used for days; without it no process could start.
    os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], mode=0o700, exist_ok=True)


def child_exit(server, worker):
    # Not before: at its import it looks whether there are several processes.
    from prometheus_client import multiprocess

    # What it counted stays; how it was, goes with it.
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


proc_name = "privacy-site"
