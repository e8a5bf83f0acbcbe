"""tractor's actors from the daemon: its spawn backend, put in from outside.

tractor looks a backend up by its name in `tractor.spawn._spawn._methods`. The
names that users can choose are fixed, so the one of the default, "trio", is
what is replaced; no file of tractor's is changed. What an actor's life is, is
in `actor_parent` and `actor`.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import warnings
from collections.abc import Iterator
from typing import Any, Literal

from .actor_parent import Backend
from .errors import Error

METHODS = ("trio", "forkserverd")

# By module of tractor's: what is called there, and with which parameters.
_SHAPE: dict[str, dict[str, tuple[str, ...]]] = {
    "tractor.spawn._spawn": {
        "hard_kill": ("proc", "terminate_after", "bind_addrs", "subactor"),
        "soft_kill": ("proc", "wait_func", "portal"),
        "cancel_on_completion": ("portal", "actor", "errors"),
    },
    "tractor.spawn._trio": {
        "trio_proc": (
            "name",
            "actor_nursery",
            "subactor",
            "errors",
            "bind_addrs",
            "parent_addr",
            "_runtime_vars",
            "infect_asyncio",
            "task_status",
            "proc_kwargs",
        ),
    },
    "tractor._child": {
        "_actor_child_main": (
            "uid",
            "loglevel",
            "parent_addr",
            "infect_asyncio",
            "spawn_method",
        ),
    },
}


class UnknownTractor(Error):
    """The tractor that is imported here is none that this backend knows."""


def install(
    *,
    template: str = "tractor",
    socket: str | os.PathLike[str] | None = None,
    fallback: Literal["stock"] | None = None,
) -> None:
    """From now on this process's actors are children of the daemon at SOCKET,
    born from TEMPLATE, and so are theirs in turn.

    With FALLBACK "stock" tractor's own backend starts an actor, with a
    warning, where the daemon cannot be had or has no such template.
    """
    if fallback not in (None, "stock"):
        raise ValueError(f'fallback: {fallback!r} is neither "stock" nor None')
    try:
        methods, stock = _methods()
    except UnknownTractor as exc:
        if fallback is None:
            raise
        warnings.warn(f"tractor's own backend is used: {exc}", RuntimeWarning, stacklevel=2)
        return
    place = None if socket is None else os.fspath(socket)
    _put(methods, Backend(template, place, stock if fallback else None))


def inherit(*, template: str, fallback: Literal["stock"] | None) -> None:
    """`install` for an actor: this tractor is the one at which its parent has
    looked, and the daemon its own."""
    from tractor.spawn import _spawn, _trio

    _put(_spawn._methods, Backend(template, None, _trio.trio_proc if fallback else None))


def _put(methods: dict[Any, Any], ours: Backend) -> None:
    for name in METHODS:
        methods[name] = ours.spawn


@contextlib.contextmanager
def backend(
    template: str = "tractor",
    socket: str | os.PathLike[str] | None = None,
    fallback: Literal["stock"] | None = None,
) -> Iterator[None]:
    """`install` for the length of a block."""
    from tractor.spawn import _spawn

    before = dict(_spawn._methods)
    install(template=template, socket=socket, fallback=fallback)
    try:
        yield
    finally:
        _spawn._methods.clear()
        _spawn._methods.update(before)


def _methods() -> tuple[dict[Any, Any], Any]:
    """tractor's table of backends, and its own default one."""
    import importlib

    import tractor

    where = f"tractor at {os.path.dirname(tractor.__file__)}"
    for module, functions in _SHAPE.items():
        try:
            found = importlib.import_module(module)
        except ImportError as exc:
            raise UnknownTractor(f"{where} has no module {module}") from exc
        for name, wanted in functions.items():
            function = getattr(found, name, None)
            if function is None:
                raise UnknownTractor(f"{where} has no {module}.{name}")
            has = tuple(inspect.signature(function).parameters)
            if not set(wanted) <= set(has):
                lacking = ", ".join(sorted(set(wanted) - set(has)))
                raise UnknownTractor(f"{where}: {module}.{name} has no parameter {lacking}")
    from tractor.spawn import _spawn, _trio

    methods = getattr(_spawn, "_methods", None)
    if not isinstance(methods, dict) or "trio" not in methods:
        raise UnknownTractor(f"{where}: tractor.spawn._spawn._methods has no 'trio'")
    return methods, _trio.trio_proc
