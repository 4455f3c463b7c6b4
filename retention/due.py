"""What has to be done from time to time: each floor registers its jobs, one command runs them.

A job may run in several processes at once and must do each thing once all the same.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError

logger = logging.getLogger(__name__)

Job = Callable[[datetime], str]

_jobs: dict[str, Job] = {}


def register(name: str, job: Job) -> None:
    """Have ``job`` run with the others. It is given the present moment, aware, and returns what it
    did, a short sentence for the log, or nothing at all where nothing was due."""
    _jobs[name] = job


def run(now: datetime) -> dict[str, str]:
    """Run every job; what each did, by its name. A job that fails for the sake of the database does not
    keep the others from running; the last error is raised at the end."""
    done = {}
    failure = None
    for name, job in _jobs.items():
        try:
            if said := job(now):
                done[name] = said
                logger.info("%s: %s", name, said)
        except DatabaseError as error:
            logger.exception("%s failed; it is tried again", name)
            failure = error
    if failure is not None:
        raise failure
    return done
