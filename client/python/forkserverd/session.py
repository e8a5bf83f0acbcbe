"""The protocol's state on one connection: what was asked, who was spawned.

Never waits: `Session` is told when its socket may be readable or writable, and
calls back.  The front that holds it (trio's or the synchronous one) does the
waiting; all calls come from one thread.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .errors import Disconnected, Error, RequestError
from .life import Life
from .wire import Decoder, Event, Request, Response, close_fds

VERSION = 1


class Reply(NamedTuple):
    result: Any
    fds: list[int]


Done = Callable[[Reply | Error], None]


class Session:
    """Owns the connected, non-blocking SOCK.

    WRITABLE_WANTED is called when not all could be written: the front is to
    call `write` when the socket can take more.
    """

    def __init__(self, sock: socket.socket, writable_wanted: Callable[[], None]) -> None:
        self.sock = sock
        self.failure: Disconnected | None = None
        self.on_event: Callable[[Event], None] = lambda event: None
        self._writable_wanted = writable_wanted
        self._decoder = Decoder()
        self._unsent: deque[Request] = deque()
        self._pending: dict[int, tuple[Request, Done]] = {}
        # Leased to this connection, not over: of a child more than one where it
        # was asked for again, by its token or by attach.
        self._lives: dict[int, list[Life]] = {}
        self._last = 0

    def request(self, request: Request, done: Done) -> None:
        """Takes REQUEST; DONE is called once, perhaps before this returns."""
        if self.failure is not None:
            request.drop()
            done(Disconnected(f"{request.method}: {self.failure}"))
            return
        self._last = self._last % 0xFFFFFFFF + 1
        request.number(self._last)
        self._pending[self._last] = (request, done)
        self._unsent.append(request)
        if len(self._unsent) == 1 and not self.write():
            self._writable_wanted()

    def call(self, method: str, **params: Any) -> None:
        """A request whose response nobody waits for."""
        self.request(Request(method, params), lambda reply: None)

    def adopt(self, reply: Reply, name: str, detached: bool) -> Life:
        """The child that the REPLY to a spawn or an attach tells of."""
        life = Life(reply.result, reply.fds[0] if reply.fds else None, name)
        if self.failure is not None:
            life.lose(self.failure)
        elif detached:  # its end is nobody's event
            self._watch(life)
        else:
            self._lives.setdefault(life.id, []).append(life)
        return life

    def detach(self, life: Life, done: Done) -> None:
        """Gives up LIFE's lease; DONE is told how that went."""

        def answered(reply: Reply | Error) -> None:
            if isinstance(reply, Reply):
                self.release(life)
            done(reply)

        self.request(Request("detach", {"id": life.id}), answered)

    def release(self, life: Life) -> None:
        """LIFE's lease has been given up, or taken by another."""
        for held in self._lives.pop(life.id, []):
            self._watch(held)

    def _watch(self, life: Life) -> None:
        life.leased = False

        def ended(reply: Reply | Error) -> None:
            if isinstance(reply, Reply):
                life.end(reply.result)
            else:
                life.lose(Disconnected(str(reply)))

        self.request(Request("wait", {"id": life.id}), ended)

    # --- what the front calls

    def write(self) -> bool:
        """Writes what can be.  True when nothing is left."""
        while self._unsent:
            try:
                if not self._unsent[0].send(self.sock):
                    return False
            except OSError as exc:
                # What the daemon still said is to be read first: only the end
                # of reading ends the connection.
                self._drop_unsent()
                if not isinstance(exc, (BrokenPipeError, ConnectionResetError)):
                    self.fail(Disconnected(f"write to the daemon: {exc.strerror}"))
                return True
            self._unsent.popleft()
        return True

    def read(self) -> bool:
        """Reads one piece and acts on it.  False when there is none now, or
        never again: then `failure` says why."""
        try:
            if self.failure is not None or not self._decoder.read(self.sock):
                return False
            for message in self._decoder:
                self._take(message)
        except Disconnected as exc:
            self.fail(exc)
        except OSError as exc:
            self.fail(Disconnected(f"read from the daemon: {exc.strerror}"))
        return self.failure is None

    def fail(self, failure: Disconnected) -> None:
        """The connection is over, for the daemon and for all who wait here.

        The socket stays, readable, so that who polls it wakes."""
        if self.failure is not None:
            return
        self.failure = failure
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self._drop_unsent()
        pending, self._pending = self._pending, {}
        lives, self._lives = self._lives, {}
        for request, done in pending.values():
            done(Disconnected(f"{request.method}: {failure}"))
        for life in itertools.chain.from_iterable(lives.values()):
            life.lose(failure)

    def close(self) -> None:
        self.fail(Disconnected("the client is closed"))
        self._decoder.close()
        self.sock.close()

    def _drop_unsent(self) -> None:
        for request in self._unsent:
            request.drop()
        self._unsent.clear()

    # --- what the daemon says

    def _take(self, message: Response | Event) -> None:
        if isinstance(message, Response):
            self._take_response(message)
            return
        if message.name == "exited":
            for life in self._lives.pop(message.params["id"], []):
                life.end(message.params)
        elif message.name == "moved":
            for life in self._lives.get(message.params["id"], [])[:1]:
                self.release(life)
        self.on_event(message)

    def _take_response(self, response: Response) -> None:
        asked = self._pending.pop(response.id, None)
        if asked is None:
            close_fds(response.fds)
            raise Disconnected(f"the daemon answered request {response.id}, which is none")
        request, done = asked
        if response.error is not None:
            done(RequestError(request.method, response.error))
        else:
            done(Reply(response.result, response.fds))


def new_token() -> str:
    """A name for a spawn, that nobody else gives."""
    return os.urandom(16).hex()


class Spawning:
    """A spawn whose response has not come, or an attach.

    The daemon tells who the child is in that response, so one that is not
    wanted any more is found by its TOKEN.  An attached child ends with the
    connection.
    """

    def __init__(
        self,
        session: Session,
        request: Request,
        name: str,
        detached: bool,
        done: Callable[[Life | Error], None],
        token: str | bytes | None = None,
    ) -> None:
        self._session = session
        self._token = token
        self._name = name
        self._detached = detached
        self._done: Callable[[Life | Error], None] | None = done
        self._life: Life | None = None
        session.request(request, self._answered)

    def cancel(self, told: Callable[[bool], None]) -> None:
        """Cancels the child, wherever it is on its way to its start.  TOLD is
        called, with False where there is none."""

        def listed(reply: Reply | Error) -> None:
            children = reply.result.get("children", ()) if isinstance(reply, Reply) else ()
            wanted = _bytes(self._token)
            ids = [child["id"] for child in children if _bytes(child.get("token")) == wanted]
            for id in ids:
                self._session.call("cancel", id=id)
            told(bool(ids))

        self._session.request(Request("list", {}), listed)

    def abandon(self) -> None:
        """Nobody waits for it any more: a child whose start is told after that
        is cancelled then."""
        self._done = None
        if self._token is None and self._life is not None:
            self._life.close()

    def _answered(self, reply: Reply | Error) -> None:
        outcome: Life | Error
        if isinstance(reply, Reply):
            outcome = self._session.adopt(reply, self._name, self._detached)
        else:
            outcome = reply
        if self._done is not None:
            self._life = outcome if isinstance(outcome, Life) else None
            self._done(outcome)
        elif isinstance(outcome, Life):
            outcome.close()
            if self._token is not None:
                self._session.call("cancel", id=outcome.id)


def _bytes(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text


def greeting() -> Request:
    """The first request: tells whose child we are, where we are one."""
    parent = os.environb.get(b"FORKSERVER_PARENT")
    return Request("hello", {} if parent is None else {"parent": parent})


def check_greeting(reply: Mapping[str, Any]) -> None:
    if reply.get("version") != VERSION:
        raise Disconnected(
            f"the daemon speaks version {reply.get('version')} of the protocol, not {VERSION}"
        )
