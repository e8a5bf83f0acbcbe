"""What a child runs: a function by its name, a script, a module or code."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from . import values
from .whereabouts import folder_of, main_module

Text: TypeAlias = "str | bytes | os.PathLike[str]"

_TARGET = re.compile(r"[^:\s]+:[^:\s]+")


@dataclasses.dataclass(frozen=True)
class Script:
    """Runs as `python PATH` would; what follows it are its arguments."""

    path: Text


@dataclasses.dataclass(frozen=True)
class Module:
    """Runs as `python -m NAME` would; what follows it are its arguments."""

    name: str


@dataclasses.dataclass(frozen=True)
class Code:
    """Runs as `python -c TEXT` would; what follows it are its arguments."""

    text: str


Entry: TypeAlias = "str | Callable[..., Any] | Script | Module | Code"


@dataclasses.dataclass(frozen=True)
class Job:
    """An entry with its arguments: `params` are those of spawn, PATH the
    folders in which a child finds what this process would."""

    name: str
    params: Mapping[str, Any]
    path: Sequence[str] = ()


def job(entry: Entry, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Job:
    match entry:
        case Script(path=path):
            return _program("script", os.fsencode(path), args, kwargs)
        case Module(name=name):
            return _program("module", name, args, kwargs)
        case Code(text=text):
            return _program("code", text, args, kwargs)
        case str():
            if not _TARGET.fullmatch(entry):
                raise ValueError(
                    f'{entry!r} names no function: "package.module:function" is expected'
                )
            return _call(entry, args, kwargs)
    while isinstance(entry, functools.partial):
        args = (*entry.args, *args)
        kwargs = {**entry.keywords, **kwargs}
        entry = entry.func
    return _call(reference(entry), args, kwargs)


def _program(kind: str, what: str | bytes, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Job:
    if kwargs:
        raise TypeError(f"a {kind} has no keyword arguments: {', '.join(kwargs)}")
    argv = [os.fsencode(arg) for arg in args]
    name = "-c" if kind == "code" else os.fsdecode(what)
    return Job(name, {kind: what, "argv": argv})


def _call(target: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Job:
    params: dict[str, Any] = {"call": target}
    if args:
        values.check("args", args)
        params["args"] = list(args)
    if kwargs:
        values.check("kwargs", kwargs)
        params["kwargs"] = dict(kwargs)
    # This package's, too: a function that has it at hand here uses it there.
    folders = (folder_of(target.partition(":")[0]), folder_of(__package__))
    return Job(target, params, list(dict.fromkeys(filter(None, folders))))


def reference(function: Callable[..., Any]) -> str:
    """The name by which another process finds FUNCTION; raises where none can."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if not callable(function) or not isinstance(name, str):
        raise TypeError(f"{function!r} is no function")
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # a class method, perhaps of a subclass
        module, name = owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    if "<lambda>" in name:
        raise ValueError(
            f"{_called(function)} is a lambda, which another process cannot find: give it a"
            " name at the top of a module"
        )
    if "<locals>" in name:
        raise ValueError(
            f"{_called(function)} is local to a function, where another process cannot find"
            " it: move it to the top of a module"
        )
    if not isinstance(module, str):
        raise ValueError(f"{_called(function)} is of no module, so no process can find it")
    if _find(module, name) != function:
        raise ValueError(
            f"{_called(function)} is not what {module}:{name} names: a child would find"
            " another object, or none"
        )
    if module == "__main__":
        module = main_module(_called(function))
    return f"{module}:{name}"


def _find(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _called(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', '?')}"
