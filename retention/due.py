"""What has to be done from time to time: each floor registers its jobs, one command runs them.

A job may run in several processes at once and must do each thing once all the same.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import Error, connection

logger = logging.getLogger(__name__)

Job = Callable[[datetime], str]


class Failed(Exception):
    """Jobs that failed, by name; ``done`` is what the others did."""

    def __init__(self, done: dict[str, str], jobs: list[str]) -> None:
        super().__init__(", ".join(jobs))
        self.done = done


_jobs: dict[str, Job] = {}


def register(name: str, job: Job) -> None:
    """Have ``job`` run with the others. It is given the present moment, aware, and returns what it
    did, a short sentence for the log, or nothing at all where nothing was due."""
    _jobs[name] = job


def run(now: datetime) -> dict[str, str]:
    """Run every job; what each did, by its name.

    A job that fails keeps none of the others from running, whatever the fault is: it is logged, and
    Failed is raised at the end.
    """
    done, failed = {}, []
    for name, job in _jobs.items():
        try:
            if said := job(now):
                done[name] = said
                logger.info("%s: %s", name, said)
        except Exception as error:  # a fault of one job is not one of the others
            logger.exception("%s failed; it is tried again", name)
            failed.append(name)
            if isinstance(error, Error) and not connection.in_atomic_block:
                connection.close()  # the next job gets a connection that works
    if failed:
        raise Failed(done, failed)
    return done
