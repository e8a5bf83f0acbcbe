"""What goes wrong, as exceptions.

Not how it is told on the wire (wire), nor how a child ended (record).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .record import ExitRecord


class Error(Exception):
    """All that this package raises of its own is one of these."""


class RequestError(Error):
    """The daemon refused a request; the connection goes on.

    `code` is of the table in PROTOCOL.md, as "import_failed"; `key` the key at
    fault, as "fds[2]"; `details` the whole map that the daemon sent.
    """

    def __init__(self, method: str, details: Mapping[str, Any]) -> None:
        self.method = method
        self.details = dict(details)
        self.code = str(details.get("code", "internal"))
        self.message = str(details.get("message", ""))
        self.key: str | None = details.get("key")
        self.errno: int | None = details.get("errno")
        super().__init__(f"{method}: {self.message} ({self.code})")
        traceback = details.get("traceback")
        if traceback:
            self.add_note(f"in the child:\n{traceback}".rstrip())


class Disconnected(Error):
    """The connection is gone, and the leases with it.  Open another client."""


class ChildError(Error):
    """A child did not end well; `record` says how it ended."""

    def __init__(self, message: str, record: ExitRecord) -> None:
        super().__init__(message)
        self.record = record


class ChildRaised(ChildError):
    """It ended with an exception, whose traceback is a note of this one."""

    def __init__(self, message: str, record: ExitRecord) -> None:
        super().__init__(message, record)
        raised = record.exception
        assert raised is not None
        self.type = raised.type
        self.message = raised.message
        self.traceback = raised.traceback
        self.add_note(f"in the child:\n{raised.traceback}".rstrip())


class ChildDied(ChildError):
    """It ended by a signal, or with another exit status than 0."""


class ChildCancelled(ChildDied):
    """Somebody else had it cancelled or killed, or its time was over."""


class NoResult(ChildError):
    """It returned what cannot be told: too large, or of a type of its own."""
