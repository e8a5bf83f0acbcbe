"""Where a module is found, so that a child finds it too.

A child has the path of its template.  What this process would import from a
source tree of its own (a script's folder, a checkout) is no part of that; what
is installed is the template's own to choose.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig


def main_module(called: str) -> str:
    """The name by which another process imports what is __main__ here.

    Its top level runs once more there, under that name, so `if __name__ ==
    "__main__":` has to guard what only the program itself is to do.
    """
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:  # python -m NAME, or NAME.__main__ of a package
        return str(spec.name)
    name = os.path.splitext(os.path.basename(getattr(main, "__file__", "")))
    if name[1] != ".py" or not name[0].isidentifier():
        raise ValueError(
            f"{called} is of a program that no other process can import (a prompt, -c, or a"
            " script whose name is none of a module): move it to a module"
        )
    return name[0]


def folder_of(module: str) -> str | None:
    """The folder from which this process imports MODULE's outermost package.
    None where that is installed, or is not to be found here."""
    name = module.partition(".")[0]
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and hasattr(main, "__file__"):
        path = os.path.abspath(main.__file__ or "")
        if os.path.splitext(os.path.basename(path))[0] == name:
            return _own(os.path.dirname(os.path.realpath(path)))
    place = _place(name)
    return None if place is None else _own(place)


def _place(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return os.path.dirname(os.path.abspath(next(iter(spec.submodule_search_locations))))
    if spec.has_location and spec.origin:
        return os.path.dirname(os.path.abspath(spec.origin))
    return None


def _own(folder: str) -> str | None:
    return None if _installed(folder) else folder


@functools.cache
def _installed(folder: str) -> bool:
    if not {"site-packages", "dist-packages"}.isdisjoint(folder.split(os.sep)):
        return True
    libraries = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return any(folder == lib or folder.startswith(lib + os.sep) for lib in libraries if lib)
