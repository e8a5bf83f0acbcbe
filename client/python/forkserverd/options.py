"""How a child is started, whatever it runs: the options of a spawn."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import resource
from collections.abc import Iterable, Mapping, Sequence
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any, Literal, Protocol, TypeAlias

from .entry import Job, Text
from .wire import Request


class HasFileno(Protocol):
    def fileno(self) -> int: ...


File: TypeAlias = "int | HasFileno"
Limit: TypeAlias = 'int | Literal["infinity"]'
Stdio: TypeAlias = "File | None"  # None: the caller's


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """Which streams the daemon reads, and how much of each it keeps: the
    `newest` or the `oldest` BYTES (default: the daemon's 65536).  With `merge`
    stderr is part of stdout."""

    stdout: bool = True
    stderr: bool = True
    merge: bool = False
    bytes: int | None = None
    keep: Literal["newest", "oldest"] = "newest"

    def params(self) -> dict[str, Any]:
        params = dataclasses.asdict(self)
        if self.bytes is None:
            del params["bytes"]
        return params


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Those not given are the daemon's, but that a child has its caller's
    environment, directory, stdout and stderr, as a subprocess has.

    `env`: a mapping, "caller" or "template".  `path`: folders in front of the
    template's `sys.path`; without it, the one from which the caller imports
    what the child is to run, where that is not installed.  `stdin`, `stdout`,
    `stderr`: PIPE, DEVNULL, STDOUT (of stderr), a file, or None for the
    caller's.  `fds`: by their numbers in the child.  `files`: those that the
    child opens itself, as PROTOCOL.md has them.  `capture`: output that the
    daemon keeps, for `child.output()`; True is Capture().  `ready`: a spawn
    is over when the child "told" so (`forkserverd.ready`) or did "notify"
    (READY=1).  `token`: a name of one spawn: asked for again, also by another
    client, it gives the same child.  `rlimits`: by names such as "nofile", a
    limit or a soft and a hard one.  `cpus`: those that it runs on, or their
    list as text, "0-3,8".  `memory_max` (bytes, or "64M"), `cpu_weight` and
    `pids_max` are for the child and all that it starts, by its control group;
    where there is none, or not that controller, the spawn is refused.  Times are in seconds.
    """

    template: str | None = None
    env: Mapping[Any, Any] | Literal["caller", "template"] = "caller"
    cwd: Text | None = None
    path: Sequence[Text] | None = None
    umask: int | None = None
    stdin: Stdio = DEVNULL
    stdout: Stdio = None
    stderr: Stdio = None
    fds: Mapping[int, File] = dataclasses.field(default_factory=dict)
    files: Sequence[Mapping[str, Any]] = ()
    capture: Capture | bool = False
    tty: int | None = None
    title: str | None = None
    start: Literal["any", "warm", "cold"] | None = None
    ready: Literal["started", "told", "notify"] | None = None
    token: str | bytes | None = None
    detached: bool = False
    grace: float | None = None
    timeout: float | None = None
    start_timeout: float | None = None
    on_hang: float | None = None
    contain: bool | None = None
    rlimits: Mapping[str, Limit | tuple[Limit, Limit]] | None = None
    nice: int | None = None
    cpus: Iterable[int] | str | None = None
    oom_score_adj: int | None = None
    memory_max: int | str | None = None
    cpu_weight: int | None = None
    pids_max: Limit | None = None
    pidfd: bool = True

    def replace(self, **changes: Any) -> Options:
        return dataclasses.replace(self, **changes)

    def unpiped(self) -> Options:
        """For calls that give no Child: nobody would be at a pipe's other end."""
        for name in ("stdin", "stdout", "stderr"):
            if getattr(self, name) == PIPE:
                raise ValueError(f"{name}: nobody can reach a pipe of a child that is not given")
        return self.replace(pidfd=False)

    def elsewhere(self) -> set[int]:
        """The descriptors that the child opens itself, or the daemon captures."""
        own: set[int] = {file["fd"] for file in self.files if "fd" in file}
        if self.capture:
            capture = Capture() if self.capture is True else self.capture
            own |= {1} if capture.stdout or capture.merge else set()
            own |= {2} if capture.stderr or capture.merge else set()
        return own

    def params(self, job: Job) -> dict[str, Any]:
        """Those of the request, but for `fds`."""
        params = dict(job.params)
        params["cwd"] = os.fsencode(os.getcwd() if self.cwd is None else self.cwd)
        path = job.path if self.path is None else self.path
        if path:
            params["path"] = [os.fsencode(os.path.abspath(folder)) for folder in path]
        if self.env == "caller":
            params["env"] = dict(os.environb)
        elif isinstance(self.env, str):
            if self.env != "template":
                raise ValueError(f'env: {self.env!r} is neither "caller", "template" nor a mapping')
        else:
            params["env"] = {os.fsencode(k): os.fsencode(v) for k, v in self.env.items()}
        if self.files:
            params["files"] = list(self.files)
        if self.capture:
            params["capture"] = (Capture() if self.capture is True else self.capture).params()
        for key in SENT_AS_THEY_ARE:
            value = getattr(self, key)
            if value is not None:
                params[key] = value
        if self.rlimits is not None:
            params["rlimits"] = {name: _rlimit(limit) for name, limit in self.rlimits.items()}
        if self.cpus is not None:
            cpus = self.cpus
            params["cpus"] = cpus if isinstance(cpus, str) else ",".join(map(str, cpus))
        for key in ("detached", "pidfd"):
            if getattr(self, key):
                params[key] = True
        for key in ("grace", "timeout", "start_timeout", "on_hang"):
            value = getattr(self, key)
            if value is not None:
                params[f"{key}_ns"] = nanoseconds(key, value)
        return params


SENT_AS_THEY_ARE = (
    *("template", "umask", "tty", "title", "start", "ready", "token", "contain"),
    *("nice", "oom_score_adj", "memory_max", "cpu_weight", "pids_max"),
)


def _rlimit(limit: Limit | tuple[Limit, Limit]) -> Any:
    if isinstance(limit, tuple | list):
        return [_rlimit(part) for part in limit]
    return "infinity" if limit == resource.RLIM_INFINITY else limit


def nanoseconds(name: str, seconds: float) -> int:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{name}: {seconds} is no number of seconds to wait")
    return min(round(seconds * 1e9), (1 << 63) - 1)


class Plumbing:
    """The descriptors of one spawn: those to pass, and our ends of its pipes.

    Owns both until `request` and `take` have them; `close` closes the rest.
    """

    def __init__(self, options: Options) -> None:
        self._passed: dict[int, int] = {}
        self._ours: dict[int, int] = {}
        try:
            elsewhere = options.elsewhere()
            for target, what in enumerate((options.stdin, options.stdout, options.stderr)):
                if what is not None or target not in elsewhere:
                    self._standard(target, what)
            for target, file in options.fds.items():
                if target in self._passed:
                    raise ValueError(f"fds: {target} is passed as a standard stream, too")
                self._passed[target] = os.dup(_fileno(file))
        except BaseException:
            self.close()
            raise

    def _standard(self, target: int, what: Stdio) -> None:
        if what == DEVNULL:  # what the daemon gives by itself
            return
        if what == PIPE:
            read, write = os.pipe()
            self._passed[target], self._ours[target] = (
                (read, write) if target == 0 else (write, read)
            )
        elif what == STDOUT:
            if target != 2:
                raise ValueError("STDOUT can be given for stderr alone")
            if 1 in self._passed:
                self._passed[2] = os.dup(self._passed[1])
        elif what is None:
            with contextlib.suppress(OSError):  # it may be closed
                self._passed[target] = os.dup(target)
        else:
            self._passed[target] = os.dup(_fileno(what))

    def request(self, params: dict[str, Any]) -> Request:
        if self._passed:
            params["fds"] = list(self._passed)
        passed, self._passed = self._passed, {}
        return Request("spawn", params, passed.values())

    def take(self, target: int) -> int | None:
        """Our end of the pipe at TARGET, where there is one."""
        return self._ours.pop(target, None)

    def close(self) -> None:
        for fd in (*self._passed.values(), *self._ours.values()):
            os.close(fd)
        self._passed, self._ours = {}, {}


def _fileno(file: File) -> int:
    return file if isinstance(file, int) else file.fileno()
