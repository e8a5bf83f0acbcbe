"""A concurrent.futures.Executor whose workers are children of the daemon."""

from __future__ import annotations

import concurrent.futures
import os
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from . import entry as entries
from .entry import Job
from .errors import Disconnected, Error
from .life import Life
from .loop import Loop
from .options import Options, Plumbing
from .session import Spawning, new_token

T = TypeVar("T")


class Executor(concurrent.futures.Executor):
    """Each call has a child of its own; at most MAX_WORKERS (default: the number
    of processors) are there at once.  A function is sent by reference, its
    arguments and result are as of `Client.run`.

    Other than with a thread pool, `Future.cancel` works on a call that runs,
    too: its child is cancelled.  So cancelling an asyncio task that awaits
    `loop.run_in_executor` ends the child.  Use it in a `with`: a program that
    ends without `shutdown` ends its children.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        socket: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        if max_workers is None:
            max_workers = os.cpu_count() or 1
        if max_workers < 1:
            raise ValueError(f"max_workers: {max_workers} workers make no progress")
        self._max_workers = max_workers
        self._options = Options(**options).unpiped()
        if self._options.detached:
            raise ValueError("an executor ends its children: they cannot be detached")
        if self._options.token is not None:
            raise ValueError("token: it names one child, and each call has its own")
        # What follows is touched by the loop's thread alone.
        self._queued: deque[_Work] = deque()
        self._running = 0
        self._filling = False
        self._closing = False
        self._shut = False  # for who submits
        self._loop = Loop(socket)

    def submit(
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> concurrent.futures.Future[T]:
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: ChildFuture[T] = ChildFuture()
        work = _Work(self, future, entries.job(fn, args, kwargs))
        self._loop.post(lambda: self._queue(work))
        future.add_done_callback(work.future_is_done)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._shut = True
        try:
            self._loop.do(lambda: self._close(cancel_futures))
        except Disconnected:  # it is closed already
            return
        if wait:
            self._loop.join()

    # --- in the loop's thread

    def _queue(self, work: _Work) -> None:
        self._queued.append(work)
        self._fill()

    def _fill(self) -> None:
        if self._filling:  # a start that failed at once called us
            return
        self._filling = True
        while self._queued and self._running < self._max_workers:
            work = self._queued.popleft()
            if not work.settled:
                self._running += 1
                work.start()
        self._filling = False
        if self._closing and not self._running and not self._queued:
            self._loop.stop_soon()

    def _close(self, cancel_futures: bool) -> None:
        self._closing = True
        if cancel_futures:
            for work in list(self._queued):
                work.future.cancel()
        self._fill()

    def ended(self) -> None:
        self._running -= 1
        self._fill()

    def start(self, job: Job, done: Callable[[Life | Error], None]) -> Spawning:
        plumbing = Plumbing(self._options)
        token = new_token()
        try:
            request = plumbing.request({**self._options.params(job), "token": token})
            return Spawning(self._loop.session, request, job.name, False, done, token)
        finally:
            plumbing.close()

    def cancel(self, work: _Work) -> None:
        """Of a future that was cancelled, by whatever thread."""
        try:
            self._loop.post(work.cancel)
        except Disconnected:  # closed, so its child is cancelled
            return

    def cancel_child(self, life: Life) -> None:
        if not life.over:
            self._loop.session.call("cancel", id=life.id)


class ChildFuture(concurrent.futures.Future[T]):
    """One that can be cancelled while its call runs: to concurrent.futures it
    is pending until it is done."""

    started = False

    def running(self) -> bool:
        return self.started and not self.done()


class _Work:
    """One call: queued, then with a child, then settled."""

    def __init__(self, executor: Executor, future: ChildFuture[Any], job: Job) -> None:
        self.future = future
        self.settled = False
        self._executor = executor
        self._job = job
        self._life: Life | None = None
        self._spawning: Spawning | None = None

    def start(self) -> None:
        self.future.started = True
        try:
            self._spawning = self._executor.start(self._job, self._spawned)
        except Exception as exc:  # no descriptors are left, no such option
            self._settle(exc)
            self._executor.ended()

    def _spawned(self, outcome: Life | Error) -> None:
        if isinstance(outcome, Error):
            self._settle(outcome)
            self._executor.ended()
            return
        self._life = outcome
        if self.settled:
            self._executor.cancel_child(outcome)
        outcome.when_over(self._over)

    def _over(self) -> None:
        assert self._life is not None
        self._life.close()
        try:
            result = self._life.result()
        except Error as exc:
            self._settle(exc)
        else:
            self._settle(None, result)
        self._executor.ended()

    def _settle(self, error: Exception | None, result: Any = None) -> None:
        if self.settled:
            return
        self.settled = True
        if not self.future.set_running_or_notify_cancel():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def future_is_done(self, future: concurrent.futures.Future[Any]) -> None:
        if future.cancelled():
            self._executor.cancel(self)

    def cancel(self) -> None:
        """The future is cancelled already; who waits for it is told here."""
        self._settle(None)
        if self._life is not None:
            self._executor.cancel_child(self._life)
        elif self._spawning is not None:
            self._spawning.cancel(lambda found: None)
