"""The trio client: a connection, and how its children are started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import trio

from . import entry as entries
from .child import Child, attach, spawn
from .connection import Connection, connected
from .entry import Entry
from .errors import ChildError
from .events import Events, subscribed
from .options import Options
from .wire import Request


class Client:
    """What `open_client` gives.  The leases of all children asked for here,
    and on what `options` makes of it, end with the `async with` of that."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._connection = connection
        self._options = options

    def options(self, **changes: Any) -> Client:
        """The same client, whose children are started otherwise: the keywords
        are those of `forkserverd.Options`."""
        return Client(self._connection, self._options.replace(**changes))

    @property
    def hello(self) -> Mapping[str, Any]:
        """What the daemon said of itself: `instance`, `methods`, `limits`, …"""
        return self._connection.hello

    async def call(self, method: str, /, **params: Any) -> Any:
        """Any method of PROTOCOL.md, with its parameters.  Its result."""
        return (await self._connection.call(Request(method, params))).result

    async def spawn(self, entry: Entry, /, *args: Any, **kwargs: Any) -> Child:
        """A child bound to no block: it ends with this client, unless it is
        `detached`."""
        return await spawn(self._connection, self._options, entries.job(entry, args, kwargs))

    async def attach(self, id: int, *, pidfd: bool = True) -> Child:
        """Takes the lease of the child ID, whosesoever it was: it ends with this
        client from now on.  Cancelled, this may have taken it all the same."""
        return await attach(self._connection, id, pidfd)

    @contextlib.asynccontextmanager
    async def open_child(self, entry: Entry, /, *args: Any, **kwargs: Any) -> AsyncIterator[Child]:
        """A child that does not outlive the block: leaving it cancels the
        child, with its grace, and waits for its end.

        A child that ended badly by itself is raised as a ChildError then; an
        exception of the block's own goes first, and has the other as a note.
        """
        if self._options.detached:
            raise ValueError("open_child ends its child; a detached one is for spawn")
        child = await self.spawn(entry, *args, **kwargs)
        try:
            yield child
        except BaseException as exc:
            error = await child.finish()
            if isinstance(error, ChildError) and getattr(exc, "record", None) is not child.record:
                exc.add_note("\n".join([str(error), *getattr(error, "__notes__", [])]))
            raise
        error = await child.finish()
        if error is not None:
            raise error

    async def start_child(
        self,
        entry: Entry,
        /,
        *args: Any,
        task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
        **kwargs: Any,
    ) -> None:
        """For `nursery.start`, which gives the Child: a task that lasts as long
        as it.  A child that ends badly by itself crashes the nursery, as a
        task would; when the nursery is cancelled the child is, with grace."""
        async with self.open_child(entry, *args, **kwargs) as child:
            task_status.started(child)
            await child.wait()

    async def run(self, entry: Entry, /, *args: Any, **kwargs: Any) -> Any:
        """What the function returns, called in a child of its own.

        By reference: the child imports it by its module and name.  Arguments
        and result are None, bool, int, float, str, bytes, list, tuple, dict
        (a tuple arrives as a list).
        """
        alone = Client(self._connection, self._options.unpiped())
        async with alone.open_child(entry, *args, **kwargs) as child:
            return await child.result()

    async def map(
        self, entry: Entry, items: Iterable[Any], /, *, limit: int | None = None
    ) -> list[Any]:
        """`run(entry, item)` of each, in their order; at most LIMIT (default:
        the number of processors) children at once.  The first that fails is
        raised, the others are cancelled."""
        if limit is None:
            limit = os.cpu_count() or 1
        if limit < 1:
            raise ValueError(f"limit: {limit} children at once make no progress")
        results: dict[int, Any] = {}
        failures: list[BaseException] = []
        numbered = enumerate(items)

        async def work(scope: trio.CancelScope) -> None:
            try:
                for number, item in numbered:
                    results[number] = await self.run(entry, item)
            except Exception as exc:
                failures.append(exc)
                scope.cancel()

        async with trio.open_nursery() as nursery:
            for _ in range(limit):
                nursery.start_soon(work, nursery.cancel_scope)
        if failures:
            raise failures[0]
        return [results[number] for number in range(len(results))]

    def events(
        self, id: int | None = None, *, tree: bool = False, output: bool = False
    ) -> contextlib.AbstractAsyncContextManager[Events]:
        """What happens from now on: `async with client.events() as events:
        async for event in events: …`.  Of the child ID alone, with `tree` also
        of those below it; of all by default.  Ends with that child's end."""
        return subscribed(self._connection.path, id, tree, output)


@contextlib.asynccontextmanager
async def open_client(
    socket: str | os.PathLike[str] | None = None, **options: Any
) -> AsyncIterator[Client]:
    """Connects to the daemon at SOCKET, by default where $FORKSERVER_SOCKET, else
    $XDG_RUNTIME_DIR/forkserverd.sock, else /run/forkserverd.sock says.

    OPTIONS are those of `forkserverd.Options`, for all children.  A connection
    that is lost stays so: whatever is asked then raises Disconnected.
    """
    wanted = Options(**options)
    async with connected(socket) as connection:
        yield Client(connection, wanted)
