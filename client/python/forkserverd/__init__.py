"""Python children in the time of a fork, from the daemon forkserverd.

For trio: `open_client`.  For programs without an event loop: `connect`.  For
those that want futures: `Executor`.  Each part is imported when it is first
used, so that a program has trio in it only if it asks for it.
"""

from __future__ import annotations

import importlib
from subprocess import DEVNULL, PIPE, STDOUT
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .child import Child as Child
    from .client import Client as Client
    from .client import open_client as open_client
    from .entry import Code as Code
    from .entry import Module as Module
    from .entry import Script as Script
    from .errors import ChildCancelled as ChildCancelled
    from .errors import ChildDied as ChildDied
    from .errors import ChildError as ChildError
    from .errors import ChildRaised as ChildRaised
    from .errors import Disconnected as Disconnected
    from .errors import Error as Error
    from .errors import NoResult as NoResult
    from .errors import RequestError as RequestError
    from .events import Events as Events
    from .executor import Executor as Executor
    from .inside import ready as ready
    from .options import Capture as Capture
    from .options import Options as Options
    from .record import ExitRecord as ExitRecord
    from .record import Output as Output
    from .sync import SyncChild as SyncChild
    from .sync import SyncClient as SyncClient
    from .sync import connect as connect
    from .wire import Event as Event

__version__ = "0.1.0"

_HOME = {
    "child": ["Child"],
    "client": ["Client", "open_client"],
    "entry": ["Code", "Module", "Script"],
    "errors": [
        "ChildCancelled",
        "ChildDied",
        "ChildError",
        "ChildRaised",
        "Disconnected",
        "Error",
        "NoResult",
        "RequestError",
    ],
    "events": ["Events"],
    "executor": ["Executor"],
    "inside": ["ready"],
    "options": ["Capture", "Options"],
    "record": ["ExitRecord", "Output"],
    "sync": ["SyncChild", "SyncClient", "connect"],
    "wire": ["Event"],
}
_MODULES = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["DEVNULL", "PIPE", "STDOUT", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
