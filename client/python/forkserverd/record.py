"""How a child ended: the exit record, and what it means to who waits."""

from __future__ import annotations

import dataclasses
import signal as signals
from collections.abc import Mapping
from typing import Any

from .errors import ChildCancelled, ChildDied, ChildError, ChildRaised, NoResult

UNKNOWN_STATUS = 255  # of a child whose status nobody could tell, as asyncio has it


@dataclasses.dataclass(frozen=True, slots=True)
class RemoteException:
    """An exception that a child ended with, in words."""

    type: str
    message: str
    traceback: str


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """What the daemon kept of a stream: DATA, which begins at OFFSET of the
    WRITTEN bytes; COMPLETE once it was read to its end."""

    data: bytes
    offset: int
    written: int
    complete: bool


def outputs(told: Mapping[str, Any]) -> dict[str, Output]:
    """By stream, of the answer to `inspect`; empty where nothing is captured."""
    streams = told.get("record", told).get("output") or {}
    return {
        name: Output(
            stream.get("data", b""),
            stream.get("offset", 0),
            stream.get("bytes", 0),
            stream.get("complete", False),
        )
        for name, stream in streams.items()
    }


@dataclasses.dataclass(frozen=True, slots=True)
class ExitRecord:
    """The exit record of PROTOCOL.md; `details` is all that the daemon sent."""

    id: int
    pid: int
    template: str
    exit_code: int | None
    signal: int | None
    core: bool
    cancelled: bool
    killed: bool
    timed_out: bool
    result: Any
    result_error: str | None
    exception: RemoteException | None
    details: Mapping[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def from_map(cls, told: Mapping[str, Any]) -> ExitRecord:
        raised = told.get("exception")
        return cls(
            id=told["id"],
            pid=told.get("pid", 0),
            template=told.get("template", ""),
            exit_code=told.get("exit_code"),
            signal=told.get("signal"),
            core=told.get("core", False),
            cancelled=told.get("cancelled", False),
            killed=told.get("killed", False),
            timed_out=told.get("timed_out", False),
            result=told.get("result"),
            result_error=told.get("result_error"),
            exception=None
            if raised is None
            else RemoteException(
                raised.get("type", ""), raised.get("message", ""), raised.get("traceback", "")
            ),
            details=told,
        )

    @property
    def returncode(self) -> int:
        """As subprocess has it: the exit code, or minus the signal."""
        if self.signal is not None:
            return -self.signal
        if self.exit_code is None or self.exit_code < 0:
            return UNKNOWN_STATUS
        return self.exit_code

    @property
    def how(self) -> str:
        """In words, as "was ended by SIGKILL when its time was over"."""
        if self.signal is not None:
            text = f"was ended by {_signal_name(self.signal)}"
        elif self.exit_code is None or self.exit_code < 0:
            text = "ended, nobody could tell how"
        else:
            text = f"exited with {self.exit_code}"
        if self.core:
            text += ", core dumped"
        if self.timed_out:
            return f"{text} when its time was over"
        if self.cancelled or self.killed:
            return f"{text} when it was {'cancelled' if self.cancelled else 'killed'}"
        return text

    def error(self, name: str, expected: bool = False) -> ChildError | None:
        """What to raise for this end of the child called NAME, if anything.

        EXPECTED: who waits had it cancelled or killed.  Then only an exception
        of its own is an error.
        """
        if self.exception is not None:
            raised = self.exception
            return ChildRaised(f"{name}: {raised.type}: {raised.message}", self)
        if expected:
            return None
        if self.returncode != 0:
            by_order = self.cancelled or self.killed or self.timed_out
            return (ChildCancelled if by_order else ChildDied)(f"{name} {self.how}", self)
        if self.result_error is not None:
            return NoResult(f"{name} has no result: {self.result_error}", self)
        return None


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
