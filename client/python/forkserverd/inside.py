"""What a child can tell its daemon without a connection to it."""

from __future__ import annotations

from typing import Any


def ready(value: Any = None) -> None:
    """This child is ready: a spawn with `ready="told"` is over now, and
    `child.started["value"]` is VALUE.  Once, in any thread; of what may be a
    result, at most 16,384 bytes.  Nothing where nobody waits for it."""
    try:
        import _forkserverd  # of a child's interpreter
    except ModuleNotFoundError:
        raise RuntimeError("ready: this process is no child of forkserverd") from None
    _forkserverd.ready(value)
