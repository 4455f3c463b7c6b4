"""One at a time, on both databases: who comes second is told at once, and nobody holds on after death."""

import subprocess
import sys
import time

import pytest
from django.db import connection

from retention.locking import Busy, Lost, only_one

from .test_enforcing import ON_POSTGRESQL, ROOT, end_sessions, surroundings

pytestmark = pytest.mark.usefixtures("transactional_db")

HOLDING = """
import sys
import django
django.setup()
from retention.locking import only_one

with only_one(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another process that holds the lock "visits"."""
    command = [sys.executable, "-c", HOLDING, "visits"]
    with subprocess.Popen(
        command, cwd=ROOT, env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def is_free(name):
    try:
        with only_one(name):
            return True
    except Busy:
        return False


def test_who_comes_second_is_told_and_others_are_not_kept(holder):
    assert not is_free("visits")
    assert is_free("another")


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_whoever_is_killed_holds_nothing_any_more(holder, end):
    getattr(holder, end)()
    holder.wait(timeout=20)

    deadline = time.monotonic() + 20
    while not is_free("visits"):
        assert time.monotonic() < deadline


def test_it_ends_with_the_block_however_that_ends():
    with only_one("visits"):
        assert not is_free("visits")
    with pytest.raises(ValueError, match="a fault"), only_one("visits"):
        raise ValueError("a fault")

    assert is_free("visits")


def test_it_outlives_the_transactions_and_connections_of_who_holds_it():
    with only_one("visits") as lock:
        connection.close()

        lock.check()
        assert not is_free("visits")


@ON_POSTGRESQL
def test_who_lost_it_is_told():
    with only_one("visits") as lock:
        lock.check()
        end_sessions("pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")

        with pytest.raises(Lost):
            lock.check()


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 200, "é"])
def test_any_name_will_do(name):
    with only_one(name):
        assert not is_free(name)
    assert is_free(name)
