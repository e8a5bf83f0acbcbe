"""A child as a trio program holds it; looks like trio.Process where it can."""

from __future__ import annotations

import contextlib
import signal as signals
from collections.abc import Mapping
from typing import Any

import trio

from .connection import Connection, Promise
from .errors import Error, RequestError
from .life import Known, Life
from .options import Options, Plumbing, nanoseconds
from .record import Output, outputs
from .session import Reply, Spawning, new_token
from .wire import Request

# How long a cancelled spawn is waited for, before its child is looked for.
PATIENCE = 0.5


class Child(Known):
    """What `Client.open_child` and `Client.spawn` give; not made otherwise.

    `stdin`, `stdout`, `stderr` are trio's streams where PIPE was asked for.
    `pidfd` is a descriptor of this object's, closed with it.
    """

    def __init__(
        self, connection: Connection, life: Life, plumbing: Plumbing | None = None
    ) -> None:
        super().__init__(life)
        self._connection = connection
        self._over = trio.Event()
        life.when_over(self._over.set)
        self.stdin = _stream(plumbing, 0)
        self.stdout = _stream(plumbing, 1)
        self.stderr = _stream(plumbing, 2)

    async def wait(self) -> int:
        """Until it has ended.  Its return code; Disconnected if that will
        never be known."""
        await self._over.wait()
        return self._life.status()

    async def result(self) -> Any:
        """What its function returned, when it has.  Raises the ChildError that
        its end is, with the remote traceback as a note."""
        await self._over.wait()
        return self._life.result()

    async def cancel(self, grace: float | None = None) -> None:
        """Cancels its trio.run; killed if it still runs after GRACE seconds.

        Does not wait for the end.  Asked for before the first checkpoint, so
        it works in a cancelled scope; nothing if it has ended.
        """
        self._life.end_asked = True
        params: dict[str, Any] = {"id": self.id}
        if grace is not None:
            params["grace_ns"] = nanoseconds("grace", grace)
        await self._request("cancel", params)

    async def kill(self) -> None:
        """SIGKILL, now.  Otherwise as `cancel`."""
        self._life.end_asked = True
        await self._request("kill", {"id": self.id})

    async def send_signal(self, signal: int) -> None:
        """Nothing if it has ended, as of a subprocess."""
        await self._request("signal", {"id": self.id, "signal": int(signals.Signals(signal))})

    async def detach(self) -> None:
        """Gives up the lease: from now on it outlives its block and its client,
        but `wait` works as before.  Nothing if it has ended."""
        promise: Promise[Reply] = Promise()
        self._connection.session.detach(self._life, promise.set)
        try:
            await promise.get()
        except RequestError as exc:
            if exc.code != "not_running":
                raise

    async def output(self) -> dict[str, Output]:
        """What was captured so far of "stdout" and "stderr", and after its end
        as long as the daemon keeps its record."""
        reply = await self._connection.call(Request("inspect", {"id": self.id}))
        return outputs(reply.result)

    async def _request(self, method: str, params: Mapping[str, Any]) -> None:
        if self._life.over:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._connection.call(Request(method, params))
        except RequestError as exc:
            if exc.code != "not_running":
                raise

    async def finish(self) -> Error | None:
        """Ends it, if it has not: cancelled with its grace, waited for whatever
        is cancelled here, its streams closed.  What its owner should be told.
        One whose lease has been given up or taken goes on."""
        with trio.CancelScope(shield=True):
            if not self._life.over and self._life.leased:
                with contextlib.suppress(Error):
                    await self.cancel()
                await self._over.wait()
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    await stream.aclose()
        self._life.close()
        return self._life.error() if self._life.over else None

    async def undo(self) -> None:
        """Of a spawn that nobody waited for, also a detached one."""
        with trio.CancelScope(shield=True):
            with contextlib.suppress(Error):
                await self.cancel()
            await self._over.wait()
        await self.finish()


def _stream(plumbing: Plumbing | None, target: int) -> trio.lowlevel.FdStream | None:
    fd = None if plumbing is None else plumbing.take(target)
    return None if fd is None else trio.lowlevel.FdStream(fd)


async def attach(connection: Connection, id: int, pidfd: bool) -> Child:
    """Cancelled, it may have taken the lease all the same: then the child ends
    with the connection."""
    promise: Promise[Life] = Promise()
    request = Request("attach", {"id": id, "pidfd": pidfd})
    spawning = Spawning(connection.session, request, "attached", False, promise.set)
    try:
        life = await promise.get()
    except trio.Cancelled:
        spawning.abandon()
        raise
    return Child(connection, life)


async def spawn(connection: Connection, options: Options, job: Any) -> Child:
    """A child that runs.  Cancelled, it leaves none."""
    plumbing = Plumbing(options)
    session = connection.session
    token = new_token() if options.token is None else options.token
    try:
        request = plumbing.request({**options.params(job), "token": token})
        promise: Promise[Life] = Promise()
        spawning = Spawning(session, request, job.name, options.detached, promise.set, token)
        try:
            life = await promise.get()
        except Error:
            raise
        except BaseException:
            await _undo(connection, spawning, promise, plumbing)
            raise
        return Child(connection, life, plumbing)
    finally:
        plumbing.close()


async def _undo(
    connection: Connection, spawning: Spawning, promise: Promise[Life], plumbing: Plumbing
) -> None:
    with trio.CancelScope(shield=True), contextlib.suppress(Error):
        with trio.move_on_after(PATIENCE):
            await promise.wait()
        if not promise.is_set:
            found: Promise[bool] = Promise()
            spawning.cancel(found.set)
            if not await found.get():
                spawning.abandon()
                return
        life = await promise.get()
        await Child(connection, life, plumbing).undo()
