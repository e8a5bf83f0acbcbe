"""What can be sent: checked before it is packed, so that the fault has a place.

A frame over the daemon's limits would cost the connection, and so the leases.
"""

from __future__ import annotations

from typing import Any

DEPTH = 27  # of a value: a frame may have 32 levels, five of them are above args
ITEMS = 1_000_000  # a frame may have 1,048,576
BYTES = 15 << 20  # a frame may have 16 MiB


class _At(Exception):
    """A fault, and its place, innermost first."""

    def __init__(self, kind: type[Exception], fault: str) -> None:
        self.kind = kind
        self.fault = fault
        self.place: list[str] = []


def check(name: str, value: Any) -> None:
    """Raises TypeError or ValueError, beginning "NAME[0]['key']: ", if VALUE
    cannot be sent."""
    try:
        items, size = _measure(value, DEPTH)
    except _At as at:
        raise at.kind(f"{name}{''.join(reversed(at.place))}: {at.fault}") from None
    if items > ITEMS:
        raise ValueError(f"{name}: more than {ITEMS:,} values")
    if size > BYTES:
        raise ValueError(f"{name}: more than {BYTES >> 20} MiB")


def _measure(value: Any, depth: int) -> tuple[int, int]:
    """How many values and, at most, bytes a frame will have of it."""
    if isinstance(value, str):
        size = len(value) if value.isascii() else len(value.encode())
        return 1, size + 5
    if isinstance(value, (bytes, bytearray)):
        return 1, len(value) + 5
    if value is None or isinstance(value, (bool, float)):
        return 1, 9
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            raise _At(ValueError, "an int of more than 64 bits cannot be sent")
        return 1, 9
    if isinstance(value, (dict, list, tuple)):
        if depth == 0:
            raise _At(ValueError, f"nested more than {DEPTH} deep")
        return _measure_all(value, depth - 1)
    raise _At(
        TypeError,
        f"{type(value).__qualname__} cannot be sent, only None, bool, int, float, str, bytes,"
        " list, tuple and dict",
    )


def _measure_all(
    value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int
) -> tuple[int, int]:
    items, size = 1, 5
    at: Any = None
    try:
        if isinstance(value, dict):
            for key, held in value.items():
                at = key
                for part in (key, held):
                    more, larger = _measure(part, depth)
                    items, size = items + more, size + larger
        else:
            for index, held in enumerate(value):
                at = index
                more, larger = _measure(held, depth)
                items, size = items + more, size + larger
    except _At as fault:
        fault.place.append(f"[{at!r}]")
        raise
    return items, size
