"""What a program leaves when it ends: module `_forkserverd_remains`.

Python's finalisation is not run, but what programs rely on of it is: objects of
the program's own modules are deleted, and what files still hold is written.
"""

import _thread
import gc
import io
import sys

_modules = frozenset()  # names of the template's


def freeze():
    global _modules
    _modules = frozenset(sys.modules)


def clear():
    """Deletes what the program and its own modules have, in python's order.

    Not where a thread still runs, which python would have stopped first.
    """
    if _thread._count() > 0:
        return
    own = [name for name in sys.modules if name not in _modules]
    main = vars(sys.modules["__main__"])
    for name in list(main):
        if name != "__builtins__":
            main[name] = None
    for name in reversed(own):
        sys.modules.pop(name, None)
    gc.collect()


def flush():
    """Writes what open files hold: text first, which writes to bytes."""
    found = [o for o in gc.get_objects() if issubclass(type(o), io.IOBase)]
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for file in found:
            if isinstance(file, kind):
                try:
                    file.flush()
                except Exception:  # closed, detached, broken
                    pass
