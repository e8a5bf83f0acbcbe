"""A standby's first trio.run, entered before there is a job: `_forkserverd_ahead`.

A coroutine function's main task begins in it as in any other; all else leaves it
first, and it is closed.
"""

import fcntl
import functools
import inspect
import select
import socket
import sys
import types

_trio = None  # the module, where it is to be had
_first = None  # while a run is made ahead: from here on its descriptors are
_main_task = None


def find(trio, await_job):
    """TRIO's runs may be entered ahead; AWAIT_JOB gives their main task's
    coroutine, in C, so that no frame of ours is in a traceback."""
    global _trio, _main_task
    _trio = trio
    _main_task = type("_MainTask", (), {"__call__": await_job})()
    _place_sockets(trio._core._wakeup_socketpair.WakeupSocketpair)
    _place_epoll(trio._core._io_epoll.EpollIOManager)


def _place_sockets(pair):
    plain_init = pair.__init__

    @functools.wraps(plain_init)
    def __init__(self):
        plain_init(self)
        if _first is not None:
            for name, old in list(vars(self).items()):
                if isinstance(old, socket.socket):
                    setattr(self, name, _moved(old))

    pair.__init__ = __init__


def _moved(old):
    fd = fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, _first)
    new = socket.socket(old.family, old.type, old.proto, fd)
    new.settimeout(old.gettimeout())
    old.close()
    return new


def _place_epoll(manager):
    plain_post_init = manager.__attrs_post_init__

    @functools.wraps(plain_post_init)
    def __attrs_post_init__(self):
        if _first is not None:
            old = self._epoll
            fd = fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, _first)
            self._epoll = select.epoll.fromfd(fd)
            old.close()
        plain_post_init(self)

    manager.__attrs_post_init__ = __attrs_post_init__


def run(first):
    """A function without parameters that enters a run, or None: there is no
    trio.  What it opens is FIRST and above, where no job looks for its own."""
    global _first
    if _trio is None:
        return None
    _first = first
    return functools.partial(_trio.run, _main_task)


def entered():
    """What is opened from now on is the job's."""
    global _first
    _first = None


def _function(target):
    module, _, name = target.partition(":")
    found = sys.modules.get(module)
    fn = vars(found).get(name) if type(found) is types.ModuleType else None
    plain = type(fn) is types.FunctionType and not fn.__dict__
    return fn if plain and fn.__code__.co_flags & inspect.CO_COROUTINE else None


def takes(target):
    """Whether that is a coroutine function, and there: it costs no import, and
    nobody's code is run to find it."""
    return _function(target) is not None


def main(target, args, kwargs):
    """What gives the coroutine; the task has the function's name."""
    fn = _function(target)
    sys.argv[0] = target
    _main_task.__module__ = fn.__module__
    _main_task.__qualname__ = fn.__qualname__
    return functools.partial(fn, *args, **kwargs)
