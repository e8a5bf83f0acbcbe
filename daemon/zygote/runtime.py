"""The Python side of a template and of a child: module `_forkserverd`.

Executed by runtime.c in each template, in the namespace of a module that has
the functions of runtime.c already: `_loading`, `_loaded`, `_failed`,
`_returned`, `_raised`, `_ready`, `_pong`, `_looked`, `_control_take`,
`_control_drop`, `_adopt_locale`, `_getenv`, `_learn_pages`, `_await_job`.
"""

import _signal  # without the enums of `signal`, which take their time
import atexit
import functools
import gc
import inspect
import linecache
import os
import signal
import sys
import threading
import time
import traceback

import _forkserverd_ahead
import _forkserverd_canary
import _forkserverd_exceptions
import _forkserverd_look
import _forkserverd_refusals
import _forkserverd_remains
import _forkserverd_runs
import _forkserverd_stdio
import _forkserverd_unique
from _forkserverd_program import PREPARE, CannotRun

PRIMING_RUNS = 40  # of a job of nothing; CPYTHON.md has what they win
PRIMING_LOOKS = 3  # at all objects, which are many before they are frozen

_trio = None  # the module, where it is to be had
rehearsed = None  # a job of nothing, by which others are prepared
rehearsal = None  # that of the rehearsal; a module may put its own here
_heeding = False  # what the daemon asks for
_after_fork = []  # functions that the template has each child call


# --- the template ---------------------------------------------------------


def describe(template, isolated, promote):
    """What the configuration says of the template."""
    _forkserverd_refusals.describe(template, isolated, promote)


def site():
    """Where the interpreter could not be made with it."""
    import site as module

    module.main()


def add_path(path):
    sys.path[:0] = path


def preload(modules):
    """Imports MODULES.  None, or the fault of the first that failed."""
    for name in modules:
        _loading(name)
        try:
            __import__(name)
        except BaseException as exc:  # a preload that exits costs no more
            return _forkserverd_exceptions.fault(f'preload "{name}"', exc, name)
        if not _loaded(name):
            return f'preload "{name}"', name, "", ""
    return None


def _find_function(target):
    module, _, name = target.partition(":")
    if not name:
        raise ValueError("expected MODULE:FUNCTION")
    __import__(module)
    found = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found) or inspect.iscoroutinefunction(found):
        raise TypeError("expected a plain function")
    return found


def find_after_fork(targets):
    """Finds what each child is to call.  None, or the fault."""
    for target in targets:
        try:
            _after_fork.append(_find_function(target))
        except BaseException as exc:
            return _forkserverd_exceptions.fault(f'after_fork "{target}"', exc)
    return None


def find_trio():
    """To be called once, when the preloads are there."""
    global _trio, rehearsed, rehearsal
    _trio = _forkserverd_runs.find_trio()
    if _trio is not None:
        _forkserverd_ahead.find(_trio, _await_job)
    rehearsal = rehearsed = _prime_plain if _trio is None else _prime_trio


def prime(targets):
    """Runs what every child will run, so that it is warm in all of them, and
    the functions that the template names.  None, or the fault."""
    for _ in range(PRIMING_RUNS):
        _forkserverd_unique.reseed()
        _rehearse()
    for _ in range(PRIMING_LOOKS):
        _forkserverd_remains.flush()
    try:
        raise LookupError("priming")
    except LookupError as exc:
        traceback.format_exception(exc)
    "localhost".encode("idna")  # as every look-up of a host's name does
    for target in targets:
        try:
            _find_function(target)()
        except BaseException as exc:
            return _forkserverd_exceptions.fault(f'prime "{target}"', exc)
    return None


async def _prime_trio():
    _learn_pages()
    async with _trio.open_nursery() as nursery:
        nursery.start_soon(_trio.lowlevel.checkpoint)
        with _trio.move_on_after(1):
            await _trio.sleep(0)


def _prime_plain():
    _learn_pages()


def sources():
    """The files that the template was made from, and the folders, each with a
    slash at its end, in which packages come and go."""
    files = {_file_of(module) for module in list(sys.modules.values())}
    folders = {p + "/" for p in sys.path if p.endswith(("/site-packages", "/dist-packages"))}
    return [*(files - {None}), *folders]


def _file_of(module):
    try:
        name = vars(module).get("__file__")  # no code of the module's own
    except TypeError:
        return None
    return name if type(name) is str and name.startswith("/") else None


def environ():
    """What os.environ keeps its bytes in, for surround.c to tell it of the job's
    without a putenv.  None: a preload has put something else there."""
    return getattr(os.environ, "_data", None)


def freeze():
    """The last step: nothing of the template is garbage, nothing is young."""
    _forkserverd_remains.freeze()
    _forget_tempdir()
    sys.stdout.flush()
    sys.stderr.flush()
    linecache.clearcache()
    gc.collect()
    gc.freeze()


def _forget_tempdir():
    """Where a preload has asked for it: a job's TMPDIR may be another."""
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and tempfile.tempdir is not None:
        if tempfile.tempdir == tempfile._get_default_tempdir():
            tempfile.tempdir = None


# --- the child ------------------------------------------------------------


def born(promoted, control_signal):
    """In the child, before its job: what must not be as in its siblings."""
    _forkserverd_unique.reseed()
    _forkserverd_refusals.born(promoted)
    os.register_at_fork(after_in_child=_forked)
    if promoted:
        _signal.signal(_signal.SIGINT, _signal.getsignal(_signal.SIGINT))
        _signal.signal(control_signal, _on_control)


def canary(promoted):
    """Tries what children need; raises where something is wrong."""
    _forkserverd_canary.sing(promoted, _trio)


def standby(promoted, first_fd):
    """Before a job comes: one of nothing, so that what a real one will touch is
    the child's own already.  Returns what enters the trio.run that the next one is
    waited for in, whose descriptors are FIRST_FD and above, or None: outside."""
    _rehearse()
    _forkserverd_remains.flush()
    if first_fd == -1:
        return None
    on_term = functools.partial(_signal.signal, _signal.SIGTERM, _forkserverd_runs.cancel)
    return _forkserverd_ahead.run(first_fd, on_term if promoted else None)


def stay_outside():
    """The run could not be entered."""
    _forkserverd_ahead.entered()


def _rehearse():
    """A job of nothing, from its surroundings to its end."""
    argv = sys.argv[:]
    if "PYTHONUNBUFFERED" not in os.environ:  # that could not be undone
        surround(False, [], [])
    PREPARE["call"](f"{__name__}:rehearsed", [], {})()
    _forkserverd_stdio.flush()
    sys.argv[:] = argv


def after_fork(targets):
    """What the template wants of each child.  None, or the fault."""
    for target, function in zip(targets, _after_fork):
        try:
            function()
        except BaseException as exc:
            return _forkserverd_exceptions.fault(f'after_fork "{target}"', exc)
    return None


def _on_control(signum, frame):
    """What the daemon asks for.  FRAME is what it has interrupted."""
    global _heeding
    if _heeding:  # that goes on, and the signal comes again
        return
    _heeding = True
    try:
        while any(asked := _control_take()):
            _heed(*asked, frame)
    finally:
        _heeding = False


def _heed(cancel, ping, dump, frame):
    try:
        if dump:
            _looked(dump, _forkserverd_look.look(frame))
        if ping:
            _forkserverd_runs.when_all_turn(functools.partial(_pong, ping))
    except Exception:  # as RecursionError, where the program is deep in its own
        pass
    if cancel:
        _forkserverd_runs.cancel()


def _forked():
    """In a process that the program has forked: none of what is ours is its."""
    _control_drop()
    _forkserverd_runs.forget()


def surround(env_changed, argv, path):
    """What user code sees of the job's surroundings; surround.c does the same where
    it can."""
    if not env_changed:
        _point_back()
    else:
        locale = _adopt_locale()
        os.reload_environ()
        time.tzset()
        _forkserverd_stdio.follow(locale)
    sys.argv[:] = ["", *argv]
    sys.path[:0] = path
    _forkserverd_stdio.begin()


def _point_back():
    """What C has put into the environment, without reading all of it anew."""
    for name in ("FORKSERVER_SOCKET", "FORKSERVER_PARENT", "NOTIFY_SOCKET"):
        value = _getenv(name.encode())
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = os.fsdecode(value)


def prepare(entry, target, args, kwargs, promoted):
    """Finds what the job runs: a function without parameters.

    C calls it, so that no frame of ours is below the program's.  None: it could
    not be found, and the daemon has been told.
    """
    try:
        work = PREPARE[entry](target, args, kwargs)
    except CannotRun as exc:
        reason = exc.__cause__
        _failed(type(reason).__name__, _forkserverd_exceptions.text(reason), f"{exc}\n")
        return None
    except BaseException as exc:
        exc = _forkserverd_exceptions.trim(exc)
        _failed(
            type(exc).__name__,
            _forkserverd_exceptions.detail(exc),
            _forkserverd_exceptions.format_all(exc),
        )
        return None
    if promoted and entry == "call":
        _signal.signal(_signal.SIGTERM, _forkserverd_runs.cancel)
    return work


def ready(value=None):
    """Tells who asked for this child that it is ready: for user code to call.

    A spawn with `ready: "told"` waits for it, and has VALUE in its result:
    what a result may be, at most 16 KiB.  True where a spawn waited; False
    where nobody does, also in no child at all.  RuntimeError at a second call,
    and in a process that the child has forked; ValueError for a value that
    cannot be told: then nothing is.
    """
    return _ready(value)


def returned(entry, result):
    if entry == "call":
        _returned(result)


def raised(exc, promoted):
    """Returns (exit status, signal to die of or 0)."""
    if isinstance(exc, SystemExit):
        return _exit_status(exc.code), 0
    _forkserverd_refusals.explain(exc)
    _raised(
        type(exc).__name__,
        _forkserverd_exceptions.text(exc),
        _forkserverd_exceptions.format_all(exc),
    )
    _forkserverd_exceptions.show(exc)
    if isinstance(exc, KeyboardInterrupt) and promoted:
        return 130, signal.SIGINT
    return 1, 0


# --- the end --------------------------------------------------------------


def _exit_status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def finish(status, entry):
    """What python does before it ends; returns the exit status."""
    try:
        threading._shutdown()
    except BaseException as exc:
        _forkserverd_exceptions.show(exc)
    atexit._run_exitfuncs()
    written = _forkserverd_stdio.flush()
    if entry != "call":
        _forkserverd_remains.clear()
    _forkserverd_remains.flush()
    if written:
        _forkserverd_stdio.flush()
    return status if written else 120  # as Py_RunMain's
