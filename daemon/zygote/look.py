"""What a child can tell of a hang: trio's tasks, and the stacks of all threads:
`_forkserverd_look`.

Called in a signal handler, between two instructions of whatever the main thread
does: it reads only, runs no code of the program's, and takes no lock.  So trio's
attributes are read where a property would do something: `cancel_called` cancels.
"""

import linecache
import math
import sys
import threading

import _forkserverd_runs

MAX_TASKS = 500
MAX_FRAMES = 50  # of one stack, the innermost
MAX_SCOPES = 50  # of one task
MAX_DEPTH = 60  # of the tree
MAX_TEXT = 200_000  # characters of a text
MAX_LINE = 200
OURS = "<forkserverd"
TRAPS = "trio._core._traps"  # each blocked task's innermost frames


def look(frame):
    """What C sends: a dict.  FRAME is what the main thread was interrupted in."""
    found = {}
    frames = sys._current_frames()
    if frame is not None:
        frames[threading.get_ident()] = frame
    for key, do in (("stacks", _stacks), ("trio", _trio)):
        try:
            found[key] = do(frames)
        except Exception as exc:  # others, as KeyboardInterrupt, are the program's
            found[key + "_error"] = f"{type(exc).__name__}: {exc}"[:MAX_LINE]
    return found


# --- stacks ---------------------------------------------------------------


def _walk(frame):
    """FRAME and those that called it, the outermost first."""
    found = []
    while frame is not None:
        if not frame.f_code.co_filename.startswith(OURS):
            found.append((frame, frame.f_lineno))
        frame = frame.f_back
    return found[::-1]


def _describe(stack):
    """Maps of the innermost frames of STACK."""
    found = []
    for frame, line in stack[-MAX_FRAMES:]:
        code = frame.f_code
        source = linecache.getline(code.co_filename, line or 0, frame.f_globals)
        found.append(
            {
                "file": _clean(code.co_filename)[-MAX_LINE:],
                "line": line or 0,
                "function": _clean(code.co_qualname)[:MAX_LINE],
                "source": _clean(source.strip())[:MAX_LINE],
            }
        )
    return found


def _clean(text):
    return text.encode("utf-8", "backslashreplace").decode()


def _lines(stack):
    for entry in stack:
        yield 'File "{file}", line {line}, in {function}'.format_map(entry)
        if entry["source"]:
            yield "  " + entry["source"]


def _stacks(frames):
    text = []
    for ident, frame in frames.items():
        thread = threading._active.get(ident)
        text.append(_thread(thread, ident) + " (most recent call last):")
        text.extend("  " + line for line in _lines(_describe(_walk(frame))))
    return _join(text)


def _thread(thread, ident):
    if thread is None:
        return f"Thread {ident}"
    main = ", the main one" if thread is threading._main_thread else ""
    return f"Thread {thread.native_id} {_clean(str(thread._name))!r}{main}"


def _join(lines):
    text = "\n".join(lines)
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + "\n..."
    return text + "\n"


# --- trio -----------------------------------------------------------------


def _trio(frames):
    """Its runs, each with its tasks and their drawing."""
    return [
        _Look(runner, frames.get(ident)).run(ident)
        for runner, ident in _forkserverd_runs.each()
    ]


class _Look:
    """One trio.run, as it is now."""

    def __init__(self, runner, frame):
        self._runner = runner
        self._frame = frame  # the innermost of its thread
        self._now = runner.clock.current_time()
        self._tasks = []
        self._lines = []
        self._room = MAX_TEXT  # for the stacks of all tasks

    def run(self, ident):
        thread = threading._active.get(ident)
        for task in self._roots():
            self._add(task, None, None, ["", ""], 0)
        head = f"trio.run in {_thread(thread, ident)}: {len(self._runner.tasks)} tasks"
        return {
            "thread": thread.native_id if thread is not None else 0,
            "living": len(self._runner.tasks),
            "tasks": self._tasks,
            "tree": _join([head, *self._lines]),
        }

    def _roots(self):
        """The main task, and system tasks that are not trio's own."""
        main, nursery = self._runner.main_task, self._runner.system_nursery
        if main is not None and main in self._runner.tasks:
            yield main
        for task in sorted(nursery._children if nursery else (), key=_age):
            if task is not main:
                yield task

    def _add(self, task, parent, nursery, indent, depth):
        """Draws TASK; INDENT is what stands before its first line and others."""
        if len(self._tasks) == MAX_TASKS or depth > MAX_DEPTH:
            self._lines.append(indent[0] + "...")
            return
        number = len(self._tasks)
        stack = _describe(self._stack(task)) if self._room > 0 else []
        scopes = self._scopes(task)
        entry = {
            "task": number,
            "name": _clean(str(task.name))[:MAX_LINE],
            "state": self._state(task),
            "scopes": [self._scope(*pair) for pair in scopes],
            "stack": stack,
        }
        if parent is not None:
            entry |= {"parent": parent, "nursery": nursery}
        self._tasks.append(entry)
        self._lines.append(f"{indent[0]}{entry['name']} ({entry['state']})")
        bar = indent[1] + ("│ " if scopes else "  ")
        for line in _lines(stack):
            self._lines.append(bar + line)
            self._room -= len(line)
        self._draw_scopes(scopes, number, indent[1], depth, 0)

    def _draw_scopes(self, scopes, number, indent, depth, at):
        """The scopes of a task from the one AT on, each inside the one before."""
        if at == len(scopes):
            return
        status, nursery = scopes[at]
        words = _words(self._scope(status, nursery))
        if nursery is None:
            self._lines.append(f"{indent}└─ cancel scope{words}")
            self._draw_scopes(scopes, number, indent + "   ", depth + 1, at + 1)
            return
        self._lines.append(f"{indent}└─ nursery{words}")
        kids = sorted(nursery._children, key=_age)
        index = sum(1 for _, other in scopes[:at] if other is not None)
        inner = at + 1 < len(scopes)
        for i, kid in enumerate(kids):
            last = i + 1 == len(kids) and not inner
            lead = [f"{indent}   {'└─ ' if last else '├─ '}"]
            lead.append(f"{indent}   {'   ' if last else '│  '}")
            if len(self._tasks) == MAX_TASKS:
                self._lines.append(f"{lead[0]}... {len(kids) - i} more")
                break
            self._add(kid, number, index, lead, depth + 1)
        self._draw_scopes(scopes, number, indent + "   ", depth + 1, at + 1)

    def _scopes(self, task):
        """(cancel status, its nursery or None) of each that TASK is in, the outer
        ones first; those that it was born in are its parent's."""
        parent = task._parent_nursery
        stop = parent._cancel_status if parent is not None else None
        nurseries = {id(n._cancel_status): n for n in task._child_nurseries}
        found, status = [], task._cancel_status
        while status is not None and status is not stop and len(found) < MAX_SCOPES:
            found.append((status, nurseries.get(id(status))))
            status = status._parent
        return found[::-1]

    def _scope(self, status, nursery):
        scope = status._scope
        left = scope._deadline - self._now
        entry = {
            "cancelled": bool(scope._cancel_called),
            "reached": bool(status.effectively_cancelled),
            "shield": bool(scope._shield),
            "nursery": nursery is not None,
        }
        if math.isfinite(left):
            entry["left_ns"] = int(max(min(left, 9e9), -9e9) * 1e9)
        return entry

    def _state(self, task):
        if task.coro.cr_running:
            return "running"
        return "blocked" if task._next_send_fn is None else "runnable"

    def _stack(self, task):
        if not task.coro.cr_running:
            found = list(task.iter_await_frames())
            while found and found[-1][0].f_globals.get("__name__") == TRAPS:
                found.pop()
            return found
        # Its own frames hang together while it runs, behind the thread's.
        found = _walk(self._frame)
        outer = [frame for frame, _ in found]
        start = task.coro.cr_frame
        return found[outer.index(start) :] if start in outer else found


def _age(task):
    return task._counter


def _words(scope):
    words = ""
    if "left_ns" in scope:
        words += f", deadline in {scope['left_ns'] / 1e9:.3f}s"
    if scope["shield"]:
        words += ", shielded"
    if scope["cancelled"]:
        words += ", cancelled"
    elif scope["reached"]:
        words += ", cancelled from outside"
    return words
