"""One of tractor's actors as a child of the daemon: what it runs.

What its parent does is in `actor_parent`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import os
import platform
import signal as signals
import socket
import sys
from typing import Any

import trio

from .errors import Error

_REHEARSAL = 2.0  # seconds that it may take
_PACKAGES = ("tractor", "trio", "msgspec")

# What is between an actor's entry and its calls.
_ON_STACKS = (
    __name__,
    "contextlib",
    "tractor._child",
    "tractor._context",
    "tractor.devx._frame_stack",
    "tractor.discovery._api",
    "tractor.runtime._portal",
    "tractor.runtime._rpc",
    "tractor.runtime._runtime",
    "tractor.spawn._entry",
    "trio._core._run",
)


@functools.cache
def versions() -> dict[str, str]:
    """What has to be the same on both sides, by name: version and place."""
    import importlib

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            found[name] = "none"
            continue
        place = os.path.dirname(os.path.realpath(module.__file__ or "?"))
        found[name] = f"{getattr(module, '__version__', '')} in {place}".strip()
    return found


def prime() -> None:
    """For `prime` of the template: imports what each actor else would import
    itself, as tractor does that when it is first needed, and has one rehearsed."""
    import importlib

    for name in (
        "forkserverd.tractor",
        "tractor._child",
        "tractor.devx._proctitle",
        "tractor.trionics.patches",
        "colorlog",
        "multiaddr",
        "platformdirs",
    ):
        with contextlib.suppress(ImportError):  # some tractors do without
            importlib.import_module(name)
    # For each call tractor looks at the whole stack, with its source.
    inspect.stack()
    for name in _ON_STACKS:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            linecache.getlines(file)
    versions()
    with contextlib.suppress(ImportError):
        import _forkserverd  # where it is a template's interpreter

        _forkserverd.rehearsal = rehearse


def rehearse() -> None:
    """In a child of the template: an actor that calls itself, over TCP.  The
    pages that this writes to every actor is born with."""
    import tractor
    from tractor.discovery._api import get_root

    async def call(address: tuple[str, int]) -> None:
        with trio.fail_after(_REHEARSAL):
            async with (
                tractor.open_root_actor(
                    enable_transports=["tcp"], registry_addrs=[address], loglevel="critical"
                ),
                get_root() as portal,
            ):
                await portal.run_from_ns("self", "get_registry")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    _look_for_sockets_anew()
    trio.run(call, address)


class TemplateDiffers(Error):
    """The template has other versions than the program that asks for actors."""


class BootFailed(Error):
    """An actor has connected, but did not come to listen to its parent."""


def main(
    uid: list[str],
    loglevel: str | None,
    parent_addr: list[Any],
    infect_asyncio: bool,
    backend: dict[str, Any],
    wanted: dict[str, str],
) -> None:
    """What an actor's child runs."""
    has = versions()
    differ = [
        f"{name} {has.get(name)}, not {version}"
        for name, version in wanted.items()
        if has.get(name) != version
    ]
    if differ:
        name = backend["template"]
        raise TemplateDiffers(
            f'template "{name}" has {"; ".join(differ)}, as the program that asks: path or venv'
            f" in the daemon's [template.{name}] says where it looks for packages"
        )
    # As under `python -m tractor._child`; the daemon's cancel needs no signal.
    signals.signal(signals.SIGTERM, signals.SIG_DFL)
    from tractor._child import _actor_child_main

    from .tractor import inherit

    inherit(**backend)
    _look_for_sockets_anew()
    sys.argv[:] = ["tractor._child"]
    try:
        _actor_child_main(
            uid=(uid[0], uid[1]),
            loglevel=loglevel,
            parent_addr=tuple(parent_addr),
            infect_asyncio=infect_asyncio,
            spawn_method="trio",
        )
    except Exception as exc:
        if _has_connected_only():
            raise BootFailed(f"{type(exc).__name__}: {exc}") from exc
        raise


def _has_connected_only() -> bool:
    from tractor.runtime._state import current_actor

    actor = current_actor(err_on_no_runtime=False)
    return (
        getattr(actor, "_parent_chan", None) is not None
        and getattr(actor, "_parent_chan_cs", True) is None
    )


def _look_for_sockets_anew() -> None:
    """tractor has asked XDG_RUNTIME_DIR when it was imported: in the template,
    whose environment is the daemon's."""
    try:
        from tractor.ipc._uds import UDSAddress
        from tractor.runtime._state import get_rt_dir
    except ImportError:
        return
    UDSAddress.def_bindspace = get_rt_dir()
