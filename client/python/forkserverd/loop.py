"""A session without an event loop: a thread that owns it and its socket.

All of the session is touched by that thread alone; others post calls to it.
Callbacks run in it, so they may not wait for anything.
"""

from __future__ import annotations

import concurrent.futures
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .address import Dial
from .errors import Disconnected, Error
from .session import Reply, Session, check_greeting, greeting
from .wire import Request


def settle(future: concurrent.futures.Future[Any], outcome: object) -> None:
    if isinstance(outcome, Error):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


class Loop:
    """Open from its making until `stop`, which every maker has to call."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        dial = Dial(path)
        try:
            dial.connect(blocking=True)
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except BaseException:
            dial.close()
            raise
        self.session = Session(dial.sock, lambda: None)  # each turn writes
        self._calls: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()  # of _stopped, and of posting before it
        self._stopping = self._stopped = False
        self._owner = os.getpid()
        self._thread = threading.Thread(target=self._run, name="forkserverd", daemon=True)
        self._thread.start()
        try:
            self.hello: Mapping[str, Any] = self.call(greeting()).result
            check_greeting(self.hello)
        except BaseException:
            self.stop()
            raise

    def post(self, call: Callable[[], None]) -> None:
        """Has CALL run in the thread, in the order of posting."""
        if os.getpid() != self._owner:
            raise Disconnected("the client belongs to the process that opened it")
        with self._lock:
            if self._stopped:
                raise Disconnected("the client is closed")
            self._calls.append(call)
            os.eventfd_write(self._wake, 1)

    def do(self, call: Callable[[], None]) -> None:
        """Has CALL run in the thread, which may be this one, and waits for it."""
        if threading.current_thread() is self._thread:
            call()
            return
        done = threading.Event()
        self.post(call)
        self.post(done.set)
        done.wait()

    def call(self, request: Request) -> Reply:
        """Takes REQUEST.  Waits; not for the thread's own use."""
        future: concurrent.futures.Future[Reply] = concurrent.futures.Future()
        self.post(lambda: self.session.request(request, lambda reply: settle(future, reply)))
        return future.result()

    def stop(self) -> None:
        """Closes the connection, and waits for the thread where it can."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            self._stopping = True
            if not self._stopped:
                os.eventfd_write(self._wake, 1)
        self.join()

    def stop_soon(self) -> None:
        """For the thread itself: this turn is its last."""
        self._stopping = True

    def join(self) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        sock = self.session.sock.fileno()
        events = 0  # what sock is polled for
        try:
            while not self._stopping:
                wanted = 0
                if self.session.failure is None:
                    wanted = select.POLLIN | (0 if self.session.write() else select.POLLOUT)
                if wanted != events:
                    (poll.register if wanted else lambda fd, _: poll.unregister(fd))(sock, wanted)
                    events = wanted
                for fd, _ in poll.poll():
                    if fd == self._wake:
                        os.eventfd_read(self._wake)
                    else:
                        self.session.read()
                self._run_calls()
        except BaseException as exc:
            failure = Disconnected(f"the client has a fault: {exc!r}")
            failure.__cause__ = exc
            self.session.fail(failure)
            raise
        finally:
            with self._lock:
                self._stopped = True
            self.session.fail(Disconnected("the client is closed"))
            self._run_calls()
            self.session.close()
            os.close(self._wake)

    def _run_calls(self) -> None:
        while self._calls:
            self._calls.popleft()()
