"""One of tractor's actors as a child of the daemon.

On the parent's side `Backend.spawn`, which tractor calls for each; on the
child's `main`. How the backend gets into tractor is no matter of this file.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import os
import platform
import signal as signals
import sys
import warnings
from typing import Any

import trio

from .actor_process import Process
from .child import Child
from .client import Client, open_client
from .errors import ChildError, Disconnected, Error, RequestError
from .record import ExitRecord

_STDIO = ("stdin", "stdout", "stderr")
_POPEN_KEYS = (*_STDIO, "cwd", "env")  # of proc_kwargs, that mean something here
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


class Backend:
    """What tractor calls for an actor: `spawn`.  STOCK is its own backend, to
    be called where the daemon cannot be had; None: an error then."""

    def __init__(self, template: str, socket: str | None, stock: Any) -> None:
        self.template = template
        self.socket = socket
        self.stock = stock

    async def spawn(
        self,
        name: str,
        actor_nursery: Any,
        subactor: Any,
        errors: dict[Any, Any],
        bind_addrs: Any,
        parent_addr: Any,
        _runtime_vars: dict[str, Any],
        *,
        infect_asyncio: bool = False,
        task_status: Any = trio.TASK_STATUS_IGNORED,
        proc_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """The whole life of SUBACTOR; the daemon's lease ends with it."""
        proc_kwargs = proc_kwargs or {}
        actor = _Actor(self, actor_nursery, subactor, bind_addrs, _runtime_vars)
        try:
            job = actor.job(parent_addr, infect_asyncio)
            async with open_client(self.socket, **actor.options(proc_kwargs)) as client:
                await actor.live(client, job, errors, task_status)
        except _Unavailable as exc:
            if self.stock is None:
                raise exc.failure from exc.__cause__
            warnings.warn(
                f"tractor's own backend starts {name}: {exc.failure}", RuntimeWarning, stacklevel=2
            )
        except Disconnected as exc:
            if self.stock is None or actor.process is not None:
                raise _failure(str(exc)) from exc
            warnings.warn(
                f"tractor's own backend starts {name}: {exc}", RuntimeWarning, stacklevel=2
            )
        else:
            return
        await self.stock(
            name,
            actor_nursery,
            subactor,
            errors,
            bind_addrs,
            parent_addr,
            _runtime_vars,
            infect_asyncio=infect_asyncio,
            task_status=task_status,
            proc_kwargs=proc_kwargs,
        )


class _Unavailable(Exception):
    """No actor can be born from this template; FAILURE is what to raise."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _failure(message: str, note: str | None = None) -> Exception:
    from tractor._exceptions import ActorFailure

    failure: Exception = ActorFailure(message)
    if note:
        failure.add_note(note)
    return failure


class _Actor:
    """The parent's side of one actor, from the request to the last kill."""

    def __init__(
        self, backend: Backend, nursery: Any, subactor: Any, bind_addrs: Any, runtime_vars: Any
    ) -> None:
        self._backend = backend
        self._nursery = nursery
        self._subactor = subactor
        self._bind_addrs = bind_addrs
        self._runtime_vars = runtime_vars
        self._uid = subactor.aid.uid
        self.process: Process | None = None

    def job(self, parent_addr: Any, infect_asyncio: bool) -> tuple[Any, ...]:
        """Those of `main`."""
        address = [os.fspath(p) if isinstance(p, os.PathLike) else p for p in parent_addr]
        backend = {
            "template": self._backend.template,
            "fallback": "stock" if self._backend.stock else None,
        }
        uid = list(self._uid)
        return uid, self._subactor.loglevel, address, infect_asyncio, backend, versions()

    def options(self, proc_kwargs: dict[str, Any]) -> dict[str, Any]:
        """A child as `python -m tractor._child` would be: the caller's stdio,
        its directory and PYTHONPATH in front of the path."""
        unknown = set(proc_kwargs) - set(_POPEN_KEYS)
        if unknown:
            raise TypeError(
                f"proc_kwargs: {', '.join(sorted(unknown))} cannot be had from the daemon,"
                f" only {', '.join(_POPEN_KEYS)}"
            )
        env = proc_kwargs.get("env")
        own_path = (os.environ if env is None else env).get("PYTHONPATH", "")
        cwd = os.fspath(proc_kwargs.get("cwd") or os.getcwd())
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        options: dict[str, Any] = {
            "template": self._backend.template,
            "title": f"_subactor[{self._subactor.aid.reprol()}]",
            "cwd": cwd,
            "path": [cwd, *filter(None, own_path.split(os.pathsep)), here],
            **{name: proc_kwargs.get(name) for name in _STDIO},
        }
        return options if env is None else {**options, "env": env}

    async def live(self, client: Client, job: tuple[Any, ...], errors: Any, status: Any) -> None:
        from tractor.runtime._portal import Portal
        from tractor.runtime._state import current_actor

        booted = False
        try:
            channel = await self._boot(client, job)
            booted = True
            assert self.process is not None
            portal = Portal(channel)
            self._nursery._children[self._uid] = (self._subactor, self.process, portal)
            await channel.send(self._spec())
            current_actor()._actoruid2nursery[self._uid] = self._nursery
            status.started(portal)
            with trio.CancelScope(shield=True):
                await self._stand(self.process)
            await self._join(portal, errors)
        finally:
            if self.process is not None:
                with trio.CancelScope(shield=True):
                    await self._reap(self.process, booted)
            if booted:
                self._nursery._children.pop(self._uid, None)

    async def _boot(self, client: Client, job: tuple[Any, ...]) -> Any:
        """The channel of the actor, once it has connected; raises what kept it
        from that.  The peer is awaited before the request is sent: it may
        connect before the daemon's answer is here, and tractor wakes only who
        waits then."""
        connected: list[Any] = []
        ended: list[Exception] = []
        here = trio.Event()
        server = self._nursery._actor.ipc_server

        async def peer() -> None:
            _, channel = await server.wait_for_peer(self._uid)
            connected.append(channel)
            here.set()

        async def end(child: Child) -> None:
            try:
                await child.wait()
                ended.append(self._early(child))
            except Disconnected as exc:
                ended.append(_failure(str(exc)))
            here.set()

        refused: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer)
            await trio.lowlevel.checkpoint()
            try:
                child = await client.spawn("forkserverd.actor:main", *job)
            except RequestError as exc:
                refused = _Unavailable(self._refused(exc))
                refused.__cause__ = exc
            else:
                self.process = Process(child, child._life)
                nursery.start_soon(end, child)
                await here.wait()
            nursery.cancel_scope.cancel()
        if refused is not None:
            raise refused
        if connected:
            return connected[0]
        raise ended[0]

    async def _stand(self, process: Process) -> None:
        """Until tractor wants it joined.  One that connects and then fails at
        boot cannot tell its parent, who would wait for its answers for ever."""
        failed: list[Exception] = []

        async def end() -> None:
            await process.wait()
            if (failure := self._failed_boot(process.record)) is not None:
                failed.append(failure)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(end)
            await self._nursery._join_procs.wait()
            nursery.cancel_scope.cancel()
        if failed:
            raise failed[0]

    def _failed_boot(self, record: ExitRecord | None) -> Exception | None:
        raised = record and record.exception
        if not raised or raised.type != "BootFailed":
            return None
        note = f"Remote traceback:\n{raised.traceback}"
        return _failure(f"actor {self._uid[0]} failed at boot: {raised.message}", note)

    def _refused(self, exc: RequestError) -> Exception:
        text = f'no actor from template "{self._backend.template}": {exc.message}'
        if exc.code in ("import_failed", "unknown_template"):
            text += (
                f"; the daemon's configuration wants [template.{self._backend.template}] with"
                ' preload = ["tractor", "forkserverd.actor"] and, where they are not'
                " installed for python3.14, path or venv"
            )
        return _failure(text, "\n".join(getattr(exc, "__notes__", [])))

    def _early(self, child: Child) -> Exception:
        """Of one that ended before it connected."""
        record = child.record
        assert record is not None
        raised = record.exception
        if raised is not None and raised.type == "TemplateDiffers":
            return _Unavailable(_failure(raised.message))
        error: ChildError | None = record.error(f"actor {self._uid[0]}")
        notes = getattr(error, "__notes__", [])
        return _failure(
            f"actor {self._uid[0]} ended before it connected: {error or record.how}",
            "\n".join(notes),
        )

    def _spec(self) -> Any:
        from tractor.msg import types

        return types.SpawnSpec(
            _parent_main_data=self._subactor._parent_main_data,
            enable_modules=self._subactor.enable_modules,
            reg_addrs=self._subactor.reg_addrs,
            bind_addrs=self._bind_addrs,
            _runtime_vars=self._runtime_vars,
        )

    async def _join(self, portal: Any, errors: Any) -> None:
        from tractor.spawn import _spawn

        async with trio.open_nursery() as nursery:
            if portal in self._nursery._cancel_after_result_on_exit:
                nursery.start_soon(_spawn.cancel_on_completion, portal, self._subactor, errors)
            await _spawn.soft_kill(self.process, Process.wait, portal)
            nursery.cancel_scope.cancel()

    async def _reap(self, process: Process, booted: bool) -> None:
        """Until it has ended; not while somebody debugs in it."""
        from tractor.devx import debug
        from tractor.runtime._state import debug_mode
        from tractor.spawn import _spawn

        if not booted and debug_mode() and process.poll() is None:
            async with debug.acquire_debug_lock(subactor_uid=self._uid):
                with trio.move_on_after(0.5):
                    await process.wait()
        await debug.maybe_wait_for_debugger(
            child_in_debug=self._runtime_vars.get("_debug_mode", False)
        )
        if process.poll() is None:
            await _spawn.hard_kill(process, bind_addrs=self._bind_addrs, subactor=self._subactor)
        await process.wait()


# --- the child ------------------------------------------------------------


def prime() -> None:
    """For `prime` of the template: imports what each actor else would import
    itself, as tractor does that when it is first needed."""
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
