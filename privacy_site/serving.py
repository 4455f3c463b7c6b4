"""A worker of gunicorn whose threads wait for no client: neither for its request nor for it to read the answer.

The threads of gunicorn's own read and write for as long as the client likes, so that a dozen slow
clients hold all of them; and its main loop waits up to two seconds for a client to close. Here a
thread is given a request when all of it has arrived, and is free again when it has made the answer:
what the client has not taken by then, the main loop sends on. It waits for nobody: a slow client
costs a place in a list, for a bounded time. TLS is the work of the proxy: this speaks plain HTTP/1.
"""

import contextlib
import errno
import re
import select
import socket
import sys
import time
from concurrent.futures import Future
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

# From the first byte that we wait for until the last one of the request.
ARRIVAL_SECONDS = 10
# A visitor's request has a line, some headers and a cookie of 4 kB; a proxy adds little.
LARGEST_HEAD = 32 * 1024
# Staff send long texts (DATA_UPLOAD_MAX_MEMORY_SIZE); what a view wants less of, it refuses itself.
LARGEST_BODY = 2 * 1024 * 1024
# What a request needs that is not one of staff; of longer ones a process keeps only so much at a time ...
USUAL_REQUEST = 64 * 1024
KEPT_AT_MOST = 64 * 1024 * 1024
# ... and as much of answers. The kernel's buffer holds nearly all pages, which then are in nobody's way.
SEND_BUFFER = 256 * 1024
# Any public answer fits in what is kept of one. A thread waits only with what is longer, as exports of staff are.
LARGEST_REST = 1024 * 1024
# Whoever reads waits as long as this, and at this many bytes per second; slower readers are sent away.
SEND_SECONDS = 10
LEAST_PACE = 16 * 1024

# In lower case.
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)")
EXPECTS = re.compile(rb"[^\r]* http/1\.1\r\n.*(?<=\n)expect:[ \t]*100-continue", re.DOTALL)


class Arrival(Enum):
    """How far a request is."""

    UNDER_WAY = auto()
    WHOLE = auto()
    GONE = auto()


class Outlet(socket.socket):
    """A socket to which a thread writes without waiting, but for a client that reads an answer beyond all bounds."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self.rest = bytearray()  # not taken by the client yet
        self.begin()
        with contextlib.suppress(OSError):  # gone already
            self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def begin(self) -> None:
        """Count for a new answer how much is sent, and how long the client let us wait."""
        self.is_begun = False
        self.sent = 0
        self.waited = 0.0

    def setblocking(self, flag: bool) -> None:
        """Never, whatever gunicorn would like."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send what the client takes now, and keep the rest; only a very long rest is waited for.

        The first piece is the head of an answer. It goes with the next one, or with the end.
        """
        self.rest += data
        if not self.is_begun:
            self.is_begun = True
            return
        self.send_on()
        while len(self.rest) > LARGEST_REST:
            self._wait()
            self.send_on()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file as everything else: the kernel would do it for as long as the client likes."""
        file.seek(offset)
        left = sys.maxsize if count is None else count
        while block := file.read(min(left, SEND_BUFFER)):
            self.sendall(block)
            left -= len(block)
        return int(file.tell()) - offset

    def send_on(self) -> bool:
        """Send of the rest what the client takes now; whether that was all."""
        del self.rest[: self._send(self.rest)]
        return not self.rest

    def shutdown(self, how: int) -> None:
        """After the head of an answer that is kept back, should it be all that there will be."""
        with contextlib.suppress(OSError):
            self.send_on()
        super().shutdown(how)

    def close(self) -> None:
        """Also what is left: gunicorn closes in the thread when an answer fails half way."""
        self.rest.clear()
        super().close()

    def _send(self, data: Any) -> int:
        try:
            sent = self.send(data)
        except BlockingIOError:
            return 0
        self.sent += sent
        return sent

    def _wait(self) -> None:
        # The time in which the answer is made is not the client's: only what passes here.
        begun = time.monotonic()
        patience = SEND_SECONDS + self.sent / LEAST_PACE - self.waited
        writable = select.poll()
        writable.register(self, select.POLLOUT)
        if patience <= 0 or not writable.poll(patience * 1000):
            self.rest.clear()
            raise ConnectionResetError(errno.ECONNRESET, "The client reads too slowly")
        self.waited += time.monotonic() - begun


class Connection(TConn):
    """A client, and what it has sent of a request so far."""

    sock: Outlet

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.received = bytearray()
        self.expected: int | None = None  # bytes of the request, known when its headers are there
        self.length = 0  # of them, those of its body
        self.is_refused = False

    def begin(self) -> None:
        """Wait for a request, which may have come together with the one before it."""
        self.sock.begin()
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
            head = bytes(self.received[: end + 2]).lower()
            # Browsers always say how long a body is, and so do proxies that keep it until it is whole.
            if b"\r\ntransfer-encoding" in head:
                return HTTPStatus.LENGTH_REQUIRED
            lengths = LENGTH.findall(head)
            # One that we do not understand is none that somebody else may understand.
            if len(lengths) > 1 or len(lengths) != head.count(b"\r\ncontent-length"):
                return HTTPStatus.BAD_REQUEST
            self.length = int(lengths[0]) if lengths else 0
            if self.length > LARGEST_BODY:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            self.expected = end + 4 + self.length
            if len(self.received) < self.expected and EXPECTS.match(head):
                with contextlib.suppress(OSError):  # no room for it, or nobody there any more: the next look tells
                    self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Arrival.WHOLE if len(self.received) >= self.expected else Arrival.UNDER_WAY

    def hand_over(self) -> None:
        """Have gunicorn's parser read this one request; it sees neither the socket nor what comes after."""
        self.parser = RequestParser(self.cfg, [bytes(self.received[: self.expected])], self.client)
        del self.received[: self.expected]
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
    """Collects requests and sends on answers in the main loop; see the top of this module."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.handed_over = 0  # bytes of requests that wait for a thread or are with one
        # Whose answer is made and not yet sent, by how long they have been at it.
        self.sending: dict[Connection, Future[bool]] = {}

    def init_process(self) -> None:
        # They change no more in this process, and gunicorn looks dozens of them up for each request: the quick way.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                return  # another process took it, or nobody is there any more
            raise
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, Outlet(client), address, listener.getsockname()))

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
            self.handed_over += conn.expected or 0
            conn.hand_over()
            super().enqueue_req(conn)
        elif isinstance(arrival, HTTPStatus):
            conn.refuse(arrival)
            self._wait_for(conn)
        else:
            self._drop(conn)

    def _wait_for(self, conn: Connection) -> None:
        # All wait equally long, so that the first of them is always the first whose time is over.
        conn.timeout = time.monotonic() + ARRIVAL_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _kept(self) -> int:
        return self.handed_over + sum(len(conn.received) for conn in self.pending_conns)

    def handle_request(self, req: Request, conn: Connection) -> bool:
        # Read in two ways, one request would be two. By our own reading they are cut: gunicorn has to agree.
        if req.body.reader.length != conn.length:
            raise InvalidHeader("CONTENT-LENGTH", req=req)
        req._expected_100_continue = False  # all is here; who had to be asked for it, was
        is_kept = bool(super().handle_request(req, conn))
        if conn.sock.rest:
            conn.sock.send_on()  # the head of an answer without a body
        return is_kept

    def finish_request(self, conn: Connection, done: "Future[bool]") -> None:
        """Where gunicorn would wait for the next request: first, the client has to take this answer."""
        self.handed_over -= conn.expected or 0
        if not conn.sock.rest:
            self._go_on_after(conn, done)
            return
        # All wait equally long here, too: as long as the longest rest takes at the least pace.
        conn.timeout = time.monotonic() + SEND_SECONDS + LARGEST_REST / LEAST_PACE
        self.sending[conn] = done
        self.poller.register(conn.sock, EVENT_WRITE, partial(self._send_on, conn))
        while sum(len(other.sock.rest) for other in self.sending) > KEPT_AT_MOST:
            self._give_up(next(iter(self.sending)))

    def _send_on(self, conn: Connection, client: Outlet) -> None:
        if conn not in self.sending:
            return  # given up a moment ago
        try:
            if not client.send_on():
                return
        except OSError:
            self._give_up(conn)
            return
        self.poller.unregister(client)
        self._go_on_after(conn, self.sending.pop(conn))

    def _go_on_after(self, conn: Connection, done: "Future[bool]") -> None:
        if conn.received and not done.cancelled() and not done.exception() and done.result():
            self.enqueue_req(conn)  # the next one is here already, or a part of it
        else:
            super().finish_request(conn, done)

    def _give_up(self, conn: Connection) -> None:
        del self.sending[conn]
        self.poller.unregister(conn.sock)
        self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        while self.sending and (first := next(iter(self.sending))).timeout <= now:
            self._give_up(first)

    def _cap_keepalive(self, deadline: float) -> None:
        """A process that stops waits as briefly for requests that are under way as for the next ones."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        # Addresses of visitors are personal data, and gunicorn would log this one.
        super().handle_error(req, client, None, exc)
        with contextlib.suppress(OSError):
            client.send_on()
