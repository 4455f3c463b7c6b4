"""What a recorded choice costs the database: one statement that is sent, and one answer. Read off the wire."""

import json

import psycopg
import pytest
from django.db import connection
from psycopg.pq import Trace

from consent.models import Banner, ConsentRecord

from .arriving import refusal

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no wire")


def refuse(client):
    choice = refusal(Banner.objects.get(website="website", kind="script").digest)

    def send():
        response = client.post(
            "/consent/",
            json.dumps(choice),
            content_type="application/json",
            headers={"origin": "https://www.pro4all.nl"},
        )
        assert response.status_code == 201

    return send


def test_a_choice_takes_one_round_trip_to_the_database(transactional_db, published, client, tmp_path):
    client.get("/embed/website.js")
    for _connection in range(connection.pool.max_size):
        refuse(client)()  # the first over a connection has the server prepare the statement
        connection.close()
    send = refuse(client)
    # Back into the pool, so that what it takes to get it out again is seen too.
    connection.close()
    # All that a request could get; a server of other tests in this process may keep one.
    wires = [connection.pool.getconn() for _number in range(connection.pool.get_stats()["pool_available"])]

    with (tmp_path / "wire").open("w+") as file:
        for wire in wires:
            wire.pgconn.trace(file.fileno())
            wire.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            connection.pool.putconn(wire)
        send()
        connection.close()
        for wire in wires:
            wire.pgconn.untrace()
        file.seek(0)
        sent = [line.split()[2] for line in file if line.startswith("F")]

    # Neither BEGIN, COMMIT and SET, nor a question whether the connection is alive.
    assert sent == ["Bind", "Describe", "Execute", "Sync"]
    assert ConsentRecord.objects.count() == connection.pool.max_size + 1


def test_a_choice_is_committed_also_over_a_session_that_was_left_in_a_transaction(transactional_db, published, client):
    client.get("/embed/website.js")
    connection.close()
    left = [connection.pool.getconn() for _number in range(connection.pool.get_stats()["pool_available"])]
    for session in left:
        session.autocommit = False
        connection.pool.putconn(session)

    refuse(client)()

    with psycopg.connect(**connection.get_connection_params() | {"context": None}) as another:
        assert another.execute("SELECT count(*) FROM consent_consentrecord").fetchone() == (1,)
