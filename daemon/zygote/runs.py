"""Every trio.run of a child, and how each is ended: `_forkserverd_runs`."""

import functools
import os
import signal
import threading

import _forkserverd_ahead

_trio_run = None  # the module trio._core._run, where trio is to be had
_runs = {}  # runner: _Run, of every trio.run of this process that has not ended
_turning = set(), None  # runs that have not turned since asked; whom to tell
_first_run = None  # of a coroutine's job: not begun (False), cancelled (True)


def find_trio():
    """Has every trio.run watched from now on.  Returns trio, or None."""
    global _trio_run
    try:
        import trio
    except ModuleNotFoundError as exc:
        if exc.name != "trio":
            raise
        return None
    _trio_run = trio._core._run
    _watch_runs()
    return trio


def expect_first():
    """The job is a coroutine: a cancel may come before its trio.run has."""
    global _first_run
    _first_run = False if _trio_run is not None else None


def each():
    """The runners of all trio.runs, the first one first, and their threads."""
    return [(runner, run.thread) for runner, run in list(_runs.items())]


def when_all_turn(callback):
    """Calls CALLBACK once each loop that runs now has turned or ended; at once
    where there is none.  Another callback that still waits is forgotten."""
    global _turning
    _turning = set(_runs.values()), callback
    for run in list(_turning[0]):
        run.ask_for_turn()
    if not _turning[0]:
        callback()


def _turned(run):
    waiting, callback = _turning
    if run in waiting:
        waiting.discard(run)
        if not waiting:
            callback()


class _Run:
    """One trio.run, whose main task ends when it is told to."""

    def __init__(self, runner):
        self._runner = runner
        self._cancelled = False
        self.thread = threading.get_ident()

    def cancel(self):
        self._cancelled = True
        try:
            self._runner.entry_queue.run_sync_soon(self._cancel_main)
        except RuntimeError:  # trio.RunFinishedError: it has just ended
            pass

    def ask_for_turn(self):
        try:
            self._runner.entry_queue.run_sync_soon(_turned, self, idempotent=True)
        except RuntimeError:
            _turned(self)

    def _cancel_main(self):
        task = self._runner.main_task
        nursery = task.parent_nursery if task is not None else None
        if nursery is not None:
            nursery.cancel_scope.cancel()

    def ended(self):
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


def _watch_runs():
    """Makes every trio.run, in whatever thread, known to `_runs`.

    Not by an instrument: a program would see it among its own.
    """
    plain_setup = _trio_run.setup_runner
    plain_close = _trio_run.Runner.close

    @functools.wraps(plain_setup)
    def setup_runner(*args, **kwargs):
        global _first_run
        runner = plain_setup(*args, **kwargs)
        _forkserverd_ahead.entered()
        run = _runs[runner] = _Run(runner)
        if _first_run:
            run.cancel()
        _first_run = None
        return runner

    @functools.wraps(plain_close)
    def close(runner):
        run = _runs.pop(runner, None)
        plain_close(runner)
        if run is not None:
            run.ended()
            _turned(run)

    _trio_run.setup_runner = setup_runner
    _trio_run.Runner.close = close


def forget():
    """In a process that was forked in the midst of them: they are its parent's,
    and SIGTERM is not for us to act on."""
    global _first_run
    _runs.clear()
    _first_run = None
    if signal.getsignal(signal.SIGTERM) is cancel:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def cancel(signum=None, frame=None):
    """Ends every trio.run's main task; without any, what SIGTERM does."""
    global _first_run
    runs = list(_runs.values())
    for run in runs:
        run.cancel()
    if _first_run is not None:  # it will be cancelled as it begins
        _first_run = True
    elif not runs:
        if signal.getsignal(signal.SIGTERM) is cancel:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
