"""Events as an async iterator.

Each subscription has a connection of its own: what its reader has not taken
yet the daemon keeps, up to its limit, and says how many were `lost`.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import trio

from .connection import Promise, dialled
from .errors import Disconnected
from .session import Reply, Session
from .wire import Event, Request


class Events:
    """Yields each Event once; ends when the child it is about has ended.  With
    the connection gone, Disconnected."""

    def __init__(self, session: Session, id: int | None) -> None:
        self._session = session
        self._id = id
        self._told: deque[Event] = deque()
        self._over = False
        session.on_event = self._told.append

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint()
        if self._over:
            raise StopAsyncIteration
        while not self._told:
            await self._listen()
        event = self._told.popleft()
        self._over = event.name == "exited" and event.params["id"] == self._id
        return event

    async def ask(self, request: Request) -> Any:
        """For the time before anybody iterates."""
        promise: Promise[Reply] = Promise()
        self._session.request(request, promise.set)
        while not self._session.write():
            await trio.lowlevel.wait_writable(self._session.sock)
        while not promise.is_set:
            await self._listen()
        return (await promise.get()).result

    async def _listen(self) -> None:
        """Not from a task of its own: nothing is read before it is wanted."""
        if not self._session.read():
            if self._session.failure is not None:
                raise Disconnected(str(self._session.failure))
            await trio.lowlevel.wait_readable(self._session.sock)


@contextlib.asynccontextmanager
async def subscribed(
    path: str | os.PathLike[str], id: int | None, tree: bool, output: bool
) -> AsyncIterator[Events]:
    session = Session((await dialled(path)).sock, lambda: None)
    try:
        events = Events(session, id)
        params: dict[str, Any] = {"tree": tree, "output": output}
        await events.ask(Request("subscribe", params if id is None else {"id": id, **params}))
        yield events
    finally:
        session.close()
