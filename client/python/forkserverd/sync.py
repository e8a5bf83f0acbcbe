"""The client for programs without an event loop: as `client`, but it waits."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os
import signal as signals
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import IO, Any

from . import entry as entries
from .entry import Entry, Job
from .errors import ChildError, Error, RequestError
from .life import Known, Life
from .loop import Loop, settle
from .options import Options, Plumbing, nanoseconds
from .record import Output, outputs
from .session import Reply, Spawning, new_token
from .wire import Request

PATIENCE = 0.5  # as child.PATIENCE


class SyncChild(Known):
    """What `SyncClient.open_child` and `.spawn` give.

    `stdin`, `stdout`, `stderr` are files of bytes where PIPE was asked for.
    """

    def __init__(self, loop: Loop, life: Life, plumbing: Plumbing | None = None) -> None:
        super().__init__(life)
        self._loop = loop
        self._over: concurrent.futures.Future[None] = concurrent.futures.Future()
        loop.post(lambda: life.when_over(lambda: self._over.set_result(None)))
        self.stdin = _file(plumbing, 0, "wb")
        self.stdout = _file(plumbing, 1, "rb")
        self.stderr = _file(plumbing, 2, "rb")

    def wait(self, timeout: float | None = None) -> int:
        """Its return code; TimeoutError if it has not ended within TIMEOUT."""
        self._over.result(timeout)
        return self._life.status()

    def result(self, timeout: float | None = None) -> Any:
        """What its function returned; raises the ChildError that its end is."""
        self._over.result(timeout)
        return self._life.result()

    def cancel(self, grace: float | None = None) -> None:
        """Cancels its trio.run; killed if it still runs after GRACE seconds.
        Does not wait for the end; nothing if it has ended."""
        self._life.end_asked = True
        params: dict[str, Any] = {"id": self.id}
        if grace is not None:
            params["grace_ns"] = nanoseconds("grace", grace)
        self._request("cancel", params)

    def kill(self) -> None:
        """SIGKILL, now.  Nothing if it has ended."""
        self._life.end_asked = True
        self._request("kill", {"id": self.id})

    def send_signal(self, signal: int) -> None:
        """Nothing if it has ended."""
        self._request("signal", {"id": self.id, "signal": int(signals.Signals(signal))})

    def detach(self) -> None:
        """Gives up the lease: from now on it outlives its block and its client,
        but `wait` works as before.  Nothing if it has ended."""
        future: concurrent.futures.Future[Reply] = concurrent.futures.Future()
        done = functools.partial(settle, future)
        self._loop.post(lambda: self._loop.session.detach(self._life, done))
        try:
            future.result()
        except RequestError as exc:
            if exc.code != "not_running":
                raise

    def output(self) -> dict[str, Output]:
        """What was captured so far of "stdout" and "stderr", and after its end
        as long as the daemon keeps its record."""
        return outputs(self._loop.call(Request("inspect", {"id": self.id})).result)

    def _request(self, method: str, params: Mapping[str, Any]) -> None:
        if self._life.over:
            return
        try:
            self._loop.call(Request(method, params))
        except RequestError as exc:
            if exc.code != "not_running":
                raise

    def finish(self) -> Error | None:
        """Ends it, if it has not, and waits.  What its owner should be told.
        One whose lease has been given up or taken goes on."""
        if not self._life.over and self._life.leased:
            with contextlib.suppress(Error):
                self.cancel()
            self._over.result()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # what was not flushed
                    stream.close()
        self._life.close()
        return self._life.error() if self._life.over else None

    def undo(self) -> None:
        """Of a spawn that nobody waited for, also a detached one."""
        with contextlib.suppress(Error):
            self.cancel()
        self._over.result()
        self.finish()


def _file(plumbing: Plumbing | None, target: int, mode: str) -> IO[bytes] | None:
    fd = None if plumbing is None else plumbing.take(target)
    return None if fd is None else open(fd, mode)


class SyncClient:
    """What `connect` gives.  Threads may share it."""

    def __init__(self, loop: Loop, options: Options) -> None:
        self._loop = loop
        self._options = options

    def options(self, **changes: Any) -> SyncClient:
        """The same client, whose children are started otherwise: the keywords
        are those of `forkserverd.Options`."""
        return SyncClient(self._loop, self._options.replace(**changes))

    @property
    def hello(self) -> Mapping[str, Any]:
        """What the daemon said of itself: `instance`, `methods`, `limits`, …"""
        return self._loop.hello

    def call(self, method: str, /, **params: Any) -> Any:
        """Any method of PROTOCOL.md, with its parameters.  Its result."""
        return self._loop.call(Request(method, params)).result

    def spawn(self, entry: Entry, /, *args: Any, **kwargs: Any) -> SyncChild:
        """A child bound to no block: it ends with this client, unless it is
        `detached`."""
        return _spawn(self._loop, self._options, entries.job(entry, args, kwargs))

    def attach(self, id: int, *, pidfd: bool = True) -> SyncChild:
        """Takes the lease of the child ID, whosesoever it was: it ends with this
        client from now on."""
        future: concurrent.futures.Future[Life] = concurrent.futures.Future()
        done = functools.partial(settle, future)
        request = Request("attach", {"id": id, "pidfd": pidfd})

        def begin() -> None:
            Spawning(self._loop.session, request, "attached", False, done)

        self._loop.post(begin)
        return SyncChild(self._loop, future.result())

    @contextlib.contextmanager
    def open_child(self, entry: Entry, /, *args: Any, **kwargs: Any) -> Iterator[SyncChild]:
        """A child that does not outlive the block; as `Client.open_child`."""
        if self._options.detached:
            raise ValueError("open_child ends its child; a detached one is for spawn")
        child = self.spawn(entry, *args, **kwargs)
        try:
            yield child
        except BaseException as exc:
            error = child.finish()
            if isinstance(error, ChildError) and getattr(exc, "record", None) is not child.record:
                exc.add_note("\n".join([str(error), *getattr(error, "__notes__", [])]))
            raise
        error = child.finish()
        if error is not None:
            raise error

    def run(self, entry: Entry, /, *args: Any, **kwargs: Any) -> Any:
        """What the function returns, called in a child; as `Client.run`."""
        alone = SyncClient(self._loop, self._options.unpiped())
        with alone.open_child(entry, *args, **kwargs) as child:
            return child.result()

    def close(self) -> None:
        """Ends the connection, and the leases with it."""
        self._loop.stop()

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def connect(socket: str | os.PathLike[str] | None = None, **options: Any) -> SyncClient:
    """Connects to the daemon, as `open_client` does; OPTIONS are those of
    `forkserverd.Options`.  To be closed: `with connect() as client: …`."""
    wanted = Options(**options)
    return SyncClient(Loop(socket), wanted)


def _spawn(loop: Loop, options: Options, job: Job) -> SyncChild:
    plumbing = Plumbing(options)
    token = new_token() if options.token is None else options.token
    try:
        request = plumbing.request({**options.params(job), "token": token})
        future: concurrent.futures.Future[Life] = concurrent.futures.Future()
        spawnings: list[Spawning] = []  # of one, once the loop's thread has begun it

        def begin() -> None:
            done = functools.partial(settle, future)
            spawnings.append(
                Spawning(loop.session, request, job.name, options.detached, done, token)
            )

        try:
            loop.post(begin)
            life = future.result()
        except Error:
            raise
        except BaseException:  # KeyboardInterrupt: no child is left by it
            _undo(loop, future, spawnings, plumbing)
            raise
        return SyncChild(loop, life, plumbing)
    finally:
        plumbing.close()


def _undo(
    loop: Loop,
    future: concurrent.futures.Future[Life],
    spawnings: list[Spawning],
    plumbing: Plumbing,
) -> None:
    try:
        life = future.result(PATIENCE)
    except TimeoutError:
        for spawning in spawnings:
            loop.post(functools.partial(spawning.cancel, lambda found: None))
            loop.post(spawning.abandon)
    except Error:
        pass
    else:
        SyncChild(loop, life, plumbing).undo()
