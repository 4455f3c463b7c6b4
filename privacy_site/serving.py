"""A worker of gunicorn that gives a thread only requests that have arrived whole.

The threads of gunicorn's own read from the socket for as long as the client likes, so that a dozen
clients that send slowly hold all of them; and its main loop waits up to two seconds for a client to
close. Here the main loop collects what comes in and waits for nobody. A slow client costs a place in
a list, for ``ARRIVAL_SECONDS`` at most. TLS is the work of the proxy: this speaks plain HTTP/1.
"""

import contextlib
import errno
import re
import socket
import struct
import time
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

# From the first byte that we wait for until the last one of the request.
ARRIVAL_SECONDS = 10
# A visitor's request has a line, some headers and a cookie of 4 kB; a proxy adds little.
LARGEST_HEAD = 32 * 1024
# Staff send long texts (DATA_UPLOAD_MAX_MEMORY_SIZE); what a view wants less of, it refuses itself.
LARGEST_BODY = 2 * 1024 * 1024
# What a request needs that is not one of staff; of longer ones a process keeps only so much at a time.
USUAL_REQUEST = 64 * 1024
KEPT_AT_MOST = 64 * 1024 * 1024
# Holds any public answer but a large PDF, so no thread waits for a visitor who reads slowly ...
SEND_BUFFER = 256 * 1024
# ... and for what does not fit, it waits so long for the client to take something.
SEND_SECONDS = 10

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class Arrival(Enum):
    """How far a request is."""

    UNDER_WAY = auto()
    WHOLE = auto()
    GONE = auto()


class Connection(TConn):
    """A client, and what it has sent of a request so far."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.received = bytearray()
        self.expected: int | None = None  # bytes of the request, known when its headers are there
        self.is_refused = False
        with contextlib.suppress(OSError):  # gone already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))

    def begin(self) -> None:
        """Wait for a request, which may have come together with the one before it."""
        self.sock.setblocking(False)
        if self.parser is not None:
            self.received = bytearray(self.parser.unreader.take_buffered())
        self.expected = None

    def receive(self) -> Arrival | HTTPStatus:
        """Take in what is there, without waiting; how far that brings us, or why it is refused."""
        if self.received and not self.is_refused and (arrival := self._look()) is not Arrival.UNDER_WAY:
            return arrival
        try:
            data = self.sock.recv(USUAL_REQUEST)
        except BlockingIOError:
            return Arrival.UNDER_WAY
        except OSError:
            return Arrival.GONE
        if not data:
            return Arrival.GONE
        if self.is_refused:
            return Arrival.UNDER_WAY
        self.received += data
        return self._look()

    def _look(self) -> Arrival | HTTPStatus:
        if self.expected is None:
            end = self.received.find(b"\r\n\r\n")
            if max(end, len(self.received) if end < 0 else 0) > LARGEST_HEAD:
                return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            if end < 0:
                return Arrival.UNDER_WAY
            head = bytes(self.received[: end + 2])
            # Browsers always say how long a body is, and so do proxies that keep it until it is whole.
            if CHUNKED.search(head):
                return HTTPStatus.LENGTH_REQUIRED
            # Of two lengths the shorter: gunicorn refuses such a request as soon as it has it.
            length = min(map(int, LENGTH.findall(head)), default=0)
            if length > LARGEST_BODY:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            self.expected = end + 4 + length
            if len(self.received) < self.expected and EXPECTS.search(head):
                with contextlib.suppress(OSError):
                    self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Arrival.WHOLE if len(self.received) >= self.expected else Arrival.UNDER_WAY

    def hand_over(self) -> None:
        """Have gunicorn's parser read what has arrived; the socket it never sees."""
        self.parser = RequestParser(self.cfg, [bytes(self.received)], self.client)
        self.received = bytearray()
        self.data_ready = True

    def refuse(self, status: HTTPStatus) -> None:
        """Answer ``status``, and take in no more. What still comes is read, lest the answer be lost."""
        self.is_refused = True
        self.received = bytearray()
        answer = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        with contextlib.suppress(OSError):
            self.sock.send(answer.encode())
            self.sock.shutdown(socket.SHUT_WR)

    def close(self, graceful: bool = False) -> None:
        """Without waiting for the client: what it sent has been read, so that nothing cuts the answer off."""
        if graceful:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)
        super().close()


class PatientWorker(ThreadWorker):
    """Collects requests in the main loop; see the top of this module."""

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                return  # another process took it, or nobody is there any more
            raise
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """Where gunicorn would give ``conn`` to a thread: wait until there is something to do for one."""
        conn.begin()
        arrival = conn.receive()
        if arrival is Arrival.UNDER_WAY:
            self._wait_for(conn)
        else:
            self._go_on(conn, arrival)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        arrival = conn.receive()
        if arrival is Arrival.UNDER_WAY:
            if len(conn.received) <= USUAL_REQUEST or self._kept() <= KEPT_AT_MOST:
                return
            arrival = HTTPStatus.SERVICE_UNAVAILABLE
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self._go_on(conn, arrival)

    def _go_on(self, conn: Connection, arrival: Arrival | HTTPStatus) -> None:
        if arrival is Arrival.WHOLE:
            conn.hand_over()
            super().enqueue_req(conn)
        elif isinstance(arrival, HTTPStatus):
            conn.refuse(arrival)
            self._wait_for(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def _wait_for(self, conn: Connection) -> None:
        # All wait equally long, so that the first of them is always the first whose time is over.
        conn.timeout = time.monotonic() + ARRIVAL_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _kept(self) -> int:
        return sum(len(conn.received) for conn in self.pending_conns)

    def _cap_keepalive(self, deadline: float) -> None:
        """A process that stops waits as briefly for requests that are under way as for the next ones."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        # Addresses of visitors are personal data, and gunicorn would log this one.
        super().handle_error(req, client, None, exc)
