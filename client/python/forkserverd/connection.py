"""A session under trio: who waits for the socket, and for answers.

Reading and writing go on while the caller's scopes are cancelled, since
leaving those is what makes requests; so they are system tasks, which never
raise and end with the `async with` of `connected`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import trio

from .address import Dial
from .errors import Disconnected, Error
from .session import Reply, Session, check_greeting, greeting
from .wire import Request

T = TypeVar("T")


class Promise(Generic[T]):
    """What one task waits for and a callback brings: a value or an error."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._outcome: T | Error

    def set(self, outcome: T | Error) -> None:
        self._outcome = outcome
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()

    async def get(self) -> T:
        await self._event.wait()
        if isinstance(self._outcome, Error):
            raise self._outcome
        return self._outcome


class Connection:
    """Shared by a client and all that it made; not closed by them."""

    def __init__(self, dial: Dial) -> None:
        self.path = dial.path
        self.hello: Mapping[str, Any] = {}
        self._to_write = trio.Event()
        self._running = 2
        self._idle = trio.Event()
        self._scopes = (trio.CancelScope(), trio.CancelScope())
        self.session = Session(dial.sock, lambda: self._to_write.set())
        for task, scope in zip((self._read, self._write), self._scopes, strict=True):
            trio.lowlevel.spawn_system_task(self._run, task, scope)

    async def _run(self, task: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        try:
            with scope:
                await task()
        except Exception as exc:  # a fault of ours costs the connection, not the run
            failure = Disconnected(f"the client has a fault: {exc!r}")
            failure.__cause__ = exc
            self.session.fail(failure)
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle.set()

    async def _read(self) -> None:
        while self.session.failure is None:
            await trio.lowlevel.wait_readable(self.session.sock)
            self.session.read()

    async def _write(self) -> None:
        while True:
            await self._to_write.wait()
            self._to_write = trio.Event()
            while self.session.failure is None and not self.session.write():
                await trio.lowlevel.wait_writable(self.session.sock)

    async def call(self, request: Request) -> Reply:
        """Takes REQUEST, which is on its way before the first checkpoint."""
        promise: Promise[Reply] = Promise()
        self.session.request(request, promise.set)
        return await promise.get()

    async def close(self, why: str) -> None:
        self.session.fail(Disconnected(why))
        for scope in self._scopes:
            scope.cancel()
        with trio.CancelScope(shield=True):
            await self._idle.wait()
        self.session.close()


async def dialled(path: str | os.PathLike[str] | None) -> Dial:
    dial = Dial(path)
    try:
        await trio.lowlevel.checkpoint()
        if not dial.connect(blocking=False):
            await trio.to_thread.run_sync(dial.connect, True, abandon_on_cancel=True)
    except BaseException:
        dial.close()
        raise
    return dial


@contextlib.asynccontextmanager
async def connected(path: str | os.PathLike[str] | None) -> AsyncIterator[Connection]:
    connection = Connection(await dialled(path))
    try:
        connection.hello = (await connection.call(greeting())).result
        check_greeting(connection.hello)
        yield connection
    finally:
        await connection.close("the client is closed")
