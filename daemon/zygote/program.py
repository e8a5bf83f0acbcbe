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

import _forkserverd_runs


class CannotRun(Exception):
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
        import trio

        _forkserverd_runs.expect_first()
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
        raise CannotRun(text) from exc
    code = compile(source, path, "exec")
    main = _main_dict()
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    main.update(__file__=path, __cached__=None, __loader__=loader)
    return functools.partial(exec, code, main)


def _prepare_module(target, args, kwargs):
    sys.argv[0] = "-m"
    sys.path.insert(0, os.getcwd())
    try:
        _, spec, code = runpy._get_module_details(target)
    except ImportError as exc:
        if exc.name != target:  # of something that the package imports
            raise
        raise CannotRun(str(exc)) from exc
    sys.argv[0] = spec.origin
    return _main_code(code, spec)


def _prepare_code(target, args, kwargs):
    sys.argv[0] = "-c"
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


def _main_code(code, spec):
    return functools.partial(
        runpy._run_code, code, _main_dict(), None, "__main__", spec
    )
