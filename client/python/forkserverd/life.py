"""One child's life as a connection knows it: from its start to its record.

No waiting here: who waits gives a function that is called at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import Disconnected, Error
from .record import ExitRecord
from .wire import close_fds


class Life:
    """Owns the pidfd.  `told` is the spawn's result."""

    def __init__(self, told: Mapping[str, Any], pidfd: int | None, name: str) -> None:
        self.told = told
        self.id: int = told["id"]
        self.pid: int = told["pid"]
        self.pidfd = pidfd
        self.name = f"child {self.id} ({name})"
        self.record: ExitRecord | None = None
        self.lost: Disconnected | None = None  # how it ends will never be told
        self.end_asked = False  # cancelled or killed by who holds it
        self.leased = True  # to this connection: it ends with it
        self._callbacks: list[Callable[[], None]] = []

    @property
    def over(self) -> bool:
        return self.record is not None or self.lost is not None

    def when_over(self, callback: Callable[[], None]) -> None:
        if self.over:
            callback()
        else:
            self._callbacks.append(callback)

    def end(self, told: Mapping[str, Any]) -> None:
        self._end(ExitRecord.from_map(told), None)

    def lose(self, error: Disconnected) -> None:
        self._end(None, error)

    def _end(self, record: ExitRecord | None, lost: Disconnected | None) -> None:
        if self.over:
            return
        self.record, self.lost = record, lost
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def status(self) -> int:
        """The return code of one that is over; raises what lost it."""
        if self.record is None:
            raise self._lost()
        return self.record.returncode

    def error(self) -> Error | None:
        """What its owner should be told of the end of one that is over."""
        if self.record is None:
            return self._lost()
        by_order = self.record.cancelled or self.record.killed
        return self.record.error(self.name, expected=self.end_asked and by_order)

    def result(self) -> Any:
        """What it returned; None of a program that ended well."""
        if self.record is None:
            raise self._lost()
        error = self.record.error(self.name)
        if error is not None:
            raise error
        return self.record.result

    def _lost(self) -> Disconnected:
        # Of its own each time: one exception raised in several tasks would
        # gather their tracebacks.
        return Disconnected(f"{self.name}: {self.lost}")

    def close(self) -> None:
        if self.pidfd is not None:
            close_fds([self.pidfd])
            self.pidfd = None


class Known:
    """What both kinds of child objects tell without waiting."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def __repr__(self) -> str:
        record = self._life.record
        state = record.how if record else "lost" if self._life.over else "is running"
        return f"<forkserverd.{type(self).__name__} {self.id}: pid {self.pid}, {state}>"

    @property
    def id(self) -> int:
        """The daemon's number of it, never used twice."""
        return self._life.id

    @property
    def pid(self) -> int:
        return self._life.pid

    @property
    def pidfd(self) -> int | None:
        return self._life.pidfd

    @property
    def started(self) -> Mapping[str, Any]:
        """What the daemon answered to the spawn: `phases`, `generation`, and
        `value`, what the child told by `forkserverd.ready`, …"""
        return self._life.told

    @property
    def leased(self) -> bool:
        """Whether it ends with the client: until `detach`, or until another
        client attaches it.  False of a detached one."""
        return self._life.leased

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number where one ended it."""
        return None if self._life.record is None else self._life.record.returncode

    @property
    def record(self) -> ExitRecord | None:
        return self._life.record
