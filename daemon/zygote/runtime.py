"""The Python side of a template and of a child: module `_forkserverd`.

Executed by runtime.c in each template, in the namespace of a module that has
the functions of runtime.c already: `_loading`, `_started`, `_failed`,
`_returned`, `_raised`, `_control_arm`, `_control_read`.
"""

import atexit
import gc
import linecache
import os
import runpy
import signal
import sys
import threading
import time
import traceback

import _forkserverd_runs
from _forkserverd_program import PREPARE, CannotRun

PRIMING_RUNS = 40  # of trio.run; CPYTHON.md has what they win
CANARY_STATUS = 42

_trio = None  # the module, where it is to be had


# --- the template ---------------------------------------------------------


def preload(modules, path):
    """Imports MODULES, with PATH in front of sys.path.

    Returns (None, [(module, nanoseconds), ...]), or
    ((module, message, traceback), []) for the first that failed.
    """
    sys.path[:0] = path
    times = []
    for name in modules:
        _loading(name)
        begun = time.monotonic_ns()
        try:
            __import__(name)
        except BaseException as exc:  # a preload that exits costs no more
            text = "".join(traceback.format_exception(_trim(exc)))
            return (name, f"{type(exc).__name__}: {exc}", text), []
        times.append((name, time.monotonic_ns() - begun))
    return None, times


def find_trio():
    """To be called once, when the preloads are there."""
    global _trio
    _trio = _forkserverd_runs.find_trio()


def prime():
    """Runs what every child will run, so that it is warm in all of them."""
    if _trio is not None:
        for _ in range(PRIMING_RUNS):
            _trio.run(_prime_trio)
    try:
        raise LookupError("priming")
    except LookupError as exc:
        traceback.format_exception(exc)


async def _prime_trio():
    async with _trio.open_nursery() as nursery:
        nursery.start_soon(_trio.lowlevel.checkpoint)
        with _trio.move_on_after(1):
            await _trio.sleep(0)


def freeze():
    """The last step: nothing of the template is garbage, nothing is young."""
    sys.stdout.flush()
    sys.stderr.flush()
    linecache.clearcache()
    gc.collect()
    gc.freeze()


# --- the child ------------------------------------------------------------


def born(promoted, control_signal):
    """In the child, before its job: what must not be as in its siblings."""
    _forkserverd_runs.reseed()
    if promoted:
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(control_signal, _on_control)


def _on_control(signum, frame):
    if _control_read():
        _forkserverd_runs.cancel()


def watch_control(promoted):
    """Hears the daemon from now on.  A cancel may have come before."""
    _control_arm()
    os.register_at_fork(after_in_child=_control_drop)
    if promoted and _control_read():
        _forkserverd_runs.cancel()


def surround(env_changed, argv, path):
    """What user code sees of the job's surroundings."""
    if env_changed:
        os.reload_environ()
        if hasattr(time, "tzset"):
            time.tzset()
    sys.argv[:] = ["", *argv]
    sys.path[:0] = path
    if sys.stdout is not None:
        # PYTHONUNBUFFERED is honoured as far as lines go: the stream itself
        # was made with the template.
        lines = "PYTHONUNBUFFERED" in os.environ or os.isatty(1)
        sys.stdout.reconfigure(line_buffering=lines)


def run(entry, target, args, kwargs, promoted):
    """Runs the job.  Returns (exit status, signal to die of or 0)."""
    try:
        work = PREPARE[entry](target, args, kwargs)
    except CannotRun as exc:
        reason = exc.__cause__
        _failed(type(reason).__name__, _text(reason), f"{sys.executable}: {exc}\n")
        return 1, 0
    except BaseException as exc:
        exc = _trim(exc)
        _failed(type(exc).__name__, _text(exc), _format(exc))
        return 1, 0
    if promoted and entry == "call":
        signal.signal(signal.SIGTERM, _forkserverd_runs.cancel)
    _started()
    try:
        result = work()
    except SystemExit as exc:
        return _exit_status(exc.code), 0
    except BaseException as exc:
        exc = _trim(exc)
        _raised(type(exc).__name__, _text(exc), _format(exc))
        _show(exc)
        if isinstance(exc, KeyboardInterrupt) and promoted:
            return 130, signal.SIGINT
        return 1, 0
    if entry == "call":
        _returned(result)
    return 0, 0


# --- the end --------------------------------------------------------------


def _exit_status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def finish(status):
    """What python does before it ends; returns the exit status."""
    try:
        threading._shutdown()
    except BaseException as exc:
        _show(exc)
    atexit._run_exitfuncs()
    for file in (sys.stdout, sys.stderr):
        if file is None or file.closed:
            continue
        try:
            file.flush()
        except Exception as exc:
            if file is sys.stdout:
                status = 120  # as Py_RunMain's
                _show_ignored(exc)
    return status


def _show_ignored(exc):
    try:
        text = "".join(traceback.format_exception_only(exc))
        print("Exception ignored while flushing sys.stdout:", file=sys.stderr)
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        pass


def _trim(exc):
    """EXC without our own frames, runpy's and importlib's at the outer end."""
    tb = exc.__traceback__
    while tb is not None and (
        tb.tb_frame.f_code.co_filename.startswith("<forkserverd")
        or tb.tb_frame.f_globals is vars(runpy)
    ):
        tb = tb.tb_next
    return exc.with_traceback(tb)


def _text(exc):
    try:
        return str(exc)
    except Exception:
        return "<the exception has no text>"


def _format(exc):
    try:
        return "".join(traceback.format_exception(exc))
    except Exception:
        return f"{type(exc).__name__}: {_text(exc)}\n"


def _show(exc):
    try:
        sys.excepthook(type(exc), exc, exc.__traceback__)
        sys.stderr.flush()
    except Exception:
        sys.__excepthook__(type(exc), exc, exc.__traceback__)


# --- the canary -----------------------------------------------------------


def canary(promoted):
    """Tries what children need.  Returns CANARY_STATUS when all of it works."""
    seen = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    if _trio is not None:

        async def main():
            async with _trio.open_nursery() as nursery:
                nursery.start_soon(_trio.sleep, 0.001)
                seen.append(await _trio.to_thread.run_sync(lambda: 2))

        _trio.run(main)
    else:
        seen.append(2)
    gc.collect()
    if promoted:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            seen.append(3)
    else:
        seen.append(3)
    return CANARY_STATUS if seen == [1, 2, 3] else 1
