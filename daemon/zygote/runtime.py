"""The Python side of a template and of a child: module `_forkserverd`.

Executed by interp.c in each template, in the namespace of a module that has
the functions of runtime.c already: `_loading`, `_started`, `_failed`,
`_returned`, `_raised`, `_control_arm`, `_control_read`.
"""

import atexit
import functools
import gc
import inspect
import linecache
import os
import pkgutil
import runpy
import signal
import sys
import textwrap
import threading
import time
import traceback

PRIMING_RUNS = 40  # of trio.run; CPYTHON.md has what they win
CANARY_STATUS = 42

_trio_run = None  # the module trio._core._run, where trio is to be had
_runs = set()  # every trio.run of this process that has not ended
_first_run = None  # of a coroutine's job: not begun (False), cancelled (True)


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
    """Has every trio.run watched from now on, where trio is to be had."""
    global _trio_run
    try:
        import trio
    except ModuleNotFoundError as exc:
        if exc.name != "trio":
            raise
    else:
        _trio_run = trio._core._run
        _watch_runs(trio)


def prime():
    """Runs what every child will run, so that it is warm in all of them."""
    if _trio_run is not None:
        import trio

        for _ in range(PRIMING_RUNS):
            trio.run(_prime_trio, trio)
    try:
        raise LookupError("priming")
    except LookupError as exc:
        traceback.format_exception(exc)


async def _prime_trio(trio):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.checkpoint)
        with trio.move_on_after(1):
            await trio.sleep(0)


def freeze():
    """The last step: nothing of the template is garbage, nothing is young."""
    sys.stdout.flush()
    sys.stderr.flush()
    linecache.clearcache()
    gc.collect()
    gc.freeze()


# --- cancelling -----------------------------------------------------------


class _Run:
    """One trio.run: an instrument that ends its main task when told to."""

    def __init__(self, runner):
        self._runner = runner
        self._cancelled = False

    def cancel(self):
        self._cancelled = True
        try:
            self._runner.entry_queue.run_sync_soon(self._cancel_main)
        except RuntimeError:  # trio.RunFinishedError: it has just ended
            pass

    def _cancel_main(self):
        task = self._runner.main_task
        nursery = task.parent_nursery if task is not None else None
        if nursery is not None:
            nursery.cancel_scope.cancel()

    def after_run(self):
        _runs.discard(self)
        result = self._runner.main_task_outcome
        error = getattr(result, "error", None)
        if self._cancelled and error is not None and self._only_cancelled(error):
            # Not None: the code behind trio.run would go on with it.
            self._runner.main_task_outcome = type(result)(SystemExit(143))

    @staticmethod
    def _only_cancelled(error):
        cancelled = _trio_run.Cancelled
        if isinstance(error, BaseExceptionGroup):
            return error.split(cancelled)[1] is None
        return isinstance(error, cancelled)


def _watch_runs(trio):
    """Makes every trio.run, in whatever thread, known to `_runs`."""
    plain = _trio_run.setup_runner

    @functools.wraps(plain)
    def setup_runner(*args, **kwargs):
        global _first_run
        runner = plain(*args, **kwargs)
        run = _Run(runner)
        runner.instruments.add_instrument(run)
        _runs.add(run)
        if _first_run:
            run.cancel()
        _first_run = None
        return runner

    _trio_run.setup_runner = setup_runner


def cancel(signum=None, frame=None):
    """Ends every trio.run's main task; without any, what SIGTERM does."""
    global _first_run
    runs = list(_runs)
    for run in runs:
        run.cancel()
    if _first_run is not None:  # it will be cancelled as it begins
        _first_run = True
    elif not runs:
        if signal.getsignal(signal.SIGTERM) is cancel:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _on_control(signum, frame):
    if _control_read():
        cancel()


# --- the child ------------------------------------------------------------


def born(promoted, control_signal):
    """In the child, before its job: what must not be as in its siblings."""
    if _trio_run is not None:
        _trio_run._r.seed()
    if promoted:
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(control_signal, _on_control)


def watch_control(promoted):
    """Hears the daemon from now on.  A cancel may have come before."""
    _control_arm()
    os.register_at_fork(after_in_child=_control_drop)
    if promoted and _control_read():
        cancel()


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
        work = _PREPARE[entry](target, args, kwargs)
    except _CannotRun as exc:
        reason = exc.__cause__
        _failed(type(reason).__name__, _text(reason), f"{sys.executable}: {exc}\n")
        return 1, 0
    except BaseException as exc:
        exc = _trim(exc)
        _failed(type(exc).__name__, _text(exc), _format(exc))
        return 1, 0
    if promoted and entry == "call":
        signal.signal(signal.SIGTERM, cancel)
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


class _CannotRun(Exception):
    """The program is not there: what python says of it without a traceback."""


def _prepare_call(target, args, kwargs):
    sys.argv[0] = target
    module, _, name = target.partition(":")
    __import__(module)
    fn = sys.modules[module]
    for part in name.split("."):
        fn = getattr(fn, part)
    if not callable(fn):
        raise TypeError(f"{target} is not callable: {type(fn).__name__}")
    bound = functools.partial(fn, *args, **kwargs)
    if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
        getattr(fn, "__call__", None)
    ):
        global _first_run
        import trio

        _first_run = False if _trio_run is trio._core._run else None
        return functools.partial(trio.run, bound)
    return bound


def _prepare_script(target, args, kwargs):
    sys.argv[0] = target
    path = os.path.join(os.getcwd(), target)  # as python does: not normalised
    if pkgutil.get_importer(path) is not None:  # a folder or an archive
        sys.path.insert(0, path)
        _, spec, code = runpy._get_main_module_details()
        return _main_code(code, spec)
    # As python does: the link's target tells the folder, not the link.
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as exc:
        text = f"can't open file {path!r}: [Errno {exc.errno}] {exc.strerror}"
        raise _CannotRun(text) from exc
    code = compile(source, path, "exec")
    main = _main_dict()
    main.update(__file__=path, __cached__=None)
    from importlib.machinery import SourceFileLoader

    main["__loader__"] = SourceFileLoader("__main__", path)
    return functools.partial(exec, code, main)


def _prepare_module(target, args, kwargs):
    sys.argv[0] = "-m"
    sys.path.insert(0, os.getcwd())
    try:
        _, spec, code = runpy._get_module_details(target)
    except ImportError as exc:
        if exc.name != target:  # of something that the package imports
            raise
        raise _CannotRun(_text(exc)) from exc
    sys.argv[0] = spec.origin
    return _main_code(code, spec)


def _prepare_code(target, args, kwargs):
    sys.argv[0] = "-c"
    sys.path.insert(0, "")
    source = textwrap.dedent(target)
    code = compile(source, "<string>", "exec")
    linecache._register_code(code, source, "<string>")
    return functools.partial(exec, code, _main_dict())


_PREPARE = {
    "call": _prepare_call,
    "script": _prepare_script,
    "module": _prepare_module,
    "code": _prepare_code,
}


def _main_dict():
    import __main__

    return __main__.__dict__


def _main_code(code, spec):
    return functools.partial(
        runpy._run_code, code, _main_dict(), None, "__main__", spec
    )


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
    """EXC without the frames of this file at the outer end."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_frame.f_globals is globals():
        tb = tb.tb_next
    # runpy's and importlib's own frames say nothing of the program.
    while tb is not None and tb.tb_frame.f_globals is vars(runpy):
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
    if _trio_run is not None:
        import trio

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep, 0.001)
                seen.append(await trio.to_thread.run_sync(lambda: 2))

        trio.run(main)
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
