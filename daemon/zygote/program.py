"""Finds what a job names, as python would: module `_forkserverd_program`.

Each of PREPARE returns a function without parameters that runs it: all of its
imports are done, none of its code but theirs has run.
"""

import functools
import importlib.machinery
import inspect
import linecache
import os
import pkgutil
import runpy
import sys
import textwrap
import types

import _forkserverd_runs


class CannotRun(Exception):
    """What python says of a program that is not there, without a traceback."""


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
    if not _is_coroutine_function(fn):
        return bound
    import trio

    _forkserverd_runs.expect_first()
    return functools.partial(trio.run, bound)


def _is_coroutine_function(fn):
    if type(fn) is types.FunctionType and not fn.__dict__:  # inspect takes its time
        return bool(fn.__code__.co_flags & inspect.CO_COROUTINE)
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
        getattr(fn, "__call__", None)
    )


def _prepare_script(target, args, kwargs):
    sys.argv[0] = target
    sys.orig_argv = [sys.executable, *sys.argv]
    path = os.path.join(os.getcwd(), target)  # as python does: not normalised
    if pkgutil.get_importer(path) is not None:  # a folder or an archive
        sys.path.insert(0, path)
        return _prepare_runpy("__main__", False)
    # As python does: the link's target tells the folder, not the link.
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as exc:
        text = f"{sys.executable}: can't open file {path!r}: [Errno {exc.errno}] {exc.strerror}"
        raise CannotRun(text) from exc
    code = compile(source, path, "exec")
    main = _main_dict()
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    main.update(__file__=path, __cached__=None, __loader__=loader)
    return functools.partial(exec, code, main)


def _prepare_module(target, args, kwargs):
    sys.argv[0] = "-m"
    sys.orig_argv = [sys.executable, "-m", target, *sys.argv[1:]]
    sys.path.insert(0, os.getcwd())
    return _prepare_runpy(target)


def _prepare_runpy(*args):
    """What python itself calls, tried without the last step.

    So all is imported that goes before, and what fails has python's frames.
    """
    plain = runpy._run_code
    runpy._run_code = lambda *args: None
    try:
        runpy._run_module_as_main(*args)
    except SystemExit as exc:
        if not isinstance(exc.__context__, runpy._Error):
            raise
        raise CannotRun(exc.code) from exc.__context__
    finally:
        runpy._run_code = plain
    return functools.partial(runpy._run_module_as_main, *args)


def _prepare_code(target, args, kwargs):
    sys.argv[0] = "-c"
    sys.orig_argv = [sys.executable, "-c", target, *sys.argv[1:]]
    sys.path.insert(0, "")
    source = textwrap.dedent(target)
    code = compile(source, "<string>", "exec")
    linecache._register_code(code, source, "<string>")
    return functools.partial(exec, code, _main_dict())


PREPARE = {
    "call": _prepare_call,
    "script": _prepare_script,
    "module": _prepare_module,
    "code": _prepare_code,
}


def _main_dict():
    import __main__

    return __main__.__dict__
