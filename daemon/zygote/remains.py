"""What a program leaves when it ends: module `_forkserverd_remains`.

Python's finalisation is not run, but what programs rely on of it is: objects of
the program's own modules are deleted, and what files still hold is written.
"""

import _io
import _thread
import gc
import sys

_modules = 0  # the template's, which come first in sys.modules


def freeze():
    global _modules
    _modules = len(sys.modules)


def clear():
    """Deletes what the program and its own modules have, in python's order.

    Not where a thread still runs, which python would have stopped first.
    """
    if _thread._count() > 0:
        return
    main = vars(sys.modules["__main__"])
    for name in list(main):
        if name != "__builtins__":
            main[name] = None
    # Not one by one: that would touch, and so copy, every name's page.
    while len(sys.modules) > _modules:
        sys.modules.popitem()
    gc.collect()


def flush():
    """Writes what open files hold: text first, which writes to bytes."""
    # Not io.IOBase, whose metaclass makes the check slow.
    found = [o for o in gc.get_objects() if issubclass(type(o), _io._IOBase)]
    for kind in (_io.TextIOWrapper, _io.BufferedWriter, _io.BufferedRandom):
        for file in found:
            if isinstance(file, kind):
                try:
                    file.flush()
                except Exception:  # closed, detached, broken
                    pass
