"""One of tractor's actors as a child of the daemon, on its parent's side:
`Backend.spawn`, which tractor calls for each.

How the backend gets into tractor is no matter of this file, and what the actor
itself runs is in `actor`.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import trio

from .actor import versions
from .actor_process import Process
from .child import Child
from .client import Client, open_client
from .errors import ChildError, Disconnected, RequestError
from .record import ExitRecord

_STDIO = ("stdin", "stdout", "stderr")
_POPEN_KEYS = (*_STDIO, "cwd", "env")  # of proc_kwargs, that mean something here


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
        note = f"in the child:\n{raised.traceback}".rstrip()
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
