"""What is told and shown of an exception: module `_forkserverd_exceptions`."""

import sys
import traceback

import _forkserverd_refusals


def fault(what, exc, module=None):
    """What C keeps: the attempt, the module to blame, message, traceback."""
    exc = trim(exc)
    message = f"{type(exc).__name__}: {detail(exc)}"
    return what, module, message, "".join(traceback.format_exception(exc))


def trim(exc):
    """EXC without our own frames at the outer end."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith("<forkserverd"):
        tb = tb.tb_next
    return exc.with_traceback(tb)


def text(exc):
    try:
        return str(exc)
    except Exception:
        return "<the exception has no text>"


def detail(exc):
    """The text of EXC, with what would do instead where that is known."""
    return "; ".join([text(exc).strip(), *_forkserverd_refusals.explain(exc)])


def format_all(exc):
    try:
        return "".join(traceback.format_exception(exc))
    except Exception:
        return f"{type(exc).__name__}: {text(exc)}\n"


def show(exc):
    try:
        sys.excepthook(type(exc), exc, exc.__traceback__)
        sys.stderr.flush()
    except Exception:
        sys.__excepthook__(type(exc), exc, exc.__traceback__)
