"""How gunicorn serves the site; the variables are listed in .env.example.

Processes for the processors, threads for the waiting: a page view waits for nothing, a
recorded choice waits for the disk of the database.
"""

import os
from pathlib import Path

_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

wsgi_app = "privacy_site.wsgi:application"
bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
# At least two, so that one that restarts leaves one that answers.
workers = int(os.environ.get("WEB_CONCURRENCY") or min(max(_processors, 2), 8))
# As many as the database pool of a process has connections (DATABASE_POOL_SIZE).
threads = int(os.environ.get("WEB_THREADS") or 8)
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
proc_name = "privacy-site"
