"""A standby's first trio.run, entered before there is a job: `_forkserverd_ahead`.

A coroutine function's main task begins in it as in any other; all else leaves it
first, and it is closed.  ahead.c has what goes between the job and the task.
"""

import fcntl
import functools
import select
import socket
import threading

_trio = None  # the module, where it is to be had


class _Here(threading.local):
    """Of this thread: a hook may have started others, with runs of their own."""

    first = None  # while a run is made ahead: from here on its descriptors are


_here = _Here()


class _Awaited:
    """The main task's coroutine while there is no job.

    Its send is in C, so that no frame of ours is in a traceback: it waits for the
    job, gives the task the job's coroutine, and does that one's first step.
    """

    cr_frame = True  # as trio asks for one

    def __await__(self):
        raise NotImplementedError

    throw = close = __await__


def find(trio, await_job):
    """TRIO's runs may be entered ahead; AWAIT_JOB is send.  Of a trio that is
    other inside none is."""
    global _trio
    try:
        pair = trio._core._wakeup_socketpair.WakeupSocketpair
        manager = trio._core._io_epoll.EpollIOManager
        _place_sockets(pair)
        _place_epoll(manager)
    except AttributeError:
        return
    _trio = trio
    _Awaited.send = await_job


def _place_sockets(pair):
    plain_init = pair.__init__

    @functools.wraps(plain_init)
    def __init__(self):
        plain_init(self)
        if _here.first is not None:
            for name, old in list(vars(self).items()):
                if isinstance(old, socket.socket):
                    setattr(self, name, _moved(old))

    pair.__init__ = __init__


def _moved(old):
    fd = fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, _here.first)
    new = socket.socket(old.family, old.type, old.proto, fd)
    new.settimeout(old.gettimeout())
    old.close()
    return new


def _place_epoll(manager):
    plain_post_init = manager.__attrs_post_init__

    @functools.wraps(plain_post_init)
    def __attrs_post_init__(self):
        if _here.first is not None:
            old = self._epoll
            fd = fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, _here.first)
            self._epoll = select.epoll.fromfd(fd)
            old.close()
        plain_post_init(self)

    manager.__attrs_post_init__ = __attrs_post_init__


def run(first, on_term):
    """What C is to have (ahead.c): the function that enters a run, and one that
    tells its main task there; ON_TERM.  None: there is no trio, or somebody has put
    a function of his own around its run, which may do anything with what it calls
    and with what that raises.  What is opened by the run is FIRST and above, where
    no job looks for its own."""
    if _trio is None or getattr(_trio.run, "__globals__", None) is not vars(_trio._core._run):
        return None
    _here.first = first
    return functools.partial(_trio.run, _Awaited), _entered_task, on_term


def _entered_task():
    if _trio._core._run.GLOBAL_RUN_CONTEXT.runner.instruments["_all"]:
        raise RuntimeError("who looks on would see more than the job's run")
    task = _trio.lowlevel.current_task()
    task.coro, task.name = task.coro, task.name  # as will be done (ahead.c)
    return task


def entered():
    """What is opened from now on is the job's."""
    _here.first = None
