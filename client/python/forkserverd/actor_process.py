"""A child with the face of trio.Process, as far as tractor looks at it.

tractor calls some of it without waiting, and when the daemon may be gone.
"""

from __future__ import annotations

import contextlib
import os
import signal as signals

import trio

from .child import Child
from .errors import Disconnected
from .life import Life
from .record import UNKNOWN_STATUS, ExitRecord


class Process:
    """Of CHILD, whose LIFE is known."""

    def __init__(self, child: Child, life: Life) -> None:
        self._child = child
        self._life = life
        self.pid = child.pid
        self.stdin, self.stdout, self.stderr = child.stdin, child.stdout, child.stderr

    def __repr__(self) -> str:
        return repr(self._child)

    @property
    def returncode(self) -> int | None:
        if self._life.lost is not None:
            return UNKNOWN_STATUS
        return self._child.returncode

    @property
    def record(self) -> ExitRecord | None:
        return self._child.record

    def poll(self) -> int | None:
        return self.returncode

    async def wait(self) -> int:
        """Of one whose daemon has died it is known when it ended, not how."""
        try:
            return await self._child.wait()
        except Disconnected:
            if self._child.pidfd is not None:
                await self._wait_without_daemon(self._child.pidfd)
            return UNKNOWN_STATUS

    async def _wait_without_daemon(self, pidfd: int) -> None:
        own = os.dup(pidfd)  # trio lets one task wait for each
        try:
            await trio.lowlevel.wait_readable(own)
        finally:
            os.close(own)

    def terminate(self) -> None:
        self._signal(signals.SIGTERM)

    def kill(self) -> None:
        self._signal(signals.SIGKILL)

    def _signal(self, number: signals.Signals) -> None:
        # By the pidfd, not by a request: this has to work at once, without
        # waiting, and when the daemon is gone.
        if self.returncode is None and self._child.pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signals.pidfd_send_signal(self._child.pidfd, number)
