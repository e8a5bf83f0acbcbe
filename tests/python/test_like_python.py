"""What runs under python3.14 runs under `forkctl run`, with the same result.

Each program is run by both; standard output, standard error and exit status
must be equal.  What is a process's own (ids, addresses) is not printed.
"""

import zipfile

import pytest
from conftest import MODES
from like import like_python

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, sys.path)",
    "flags": "import sys; print(sys.flags, sys.prefix, sys.base_prefix)",
    "encodings": """
import locale, sys
print(sys.getfilesystemencoding(), sys.stdout.encoding, locale.getencoding())
""",
    "namespace of __main__": """
import __main__
print(sorted(vars(__main__)), __name__, __spec__, __builtins__)
""",
    "threads": """
import os, threading
print(threading.current_thread() is threading.main_thread())
print(threading.get_native_id() == os.getpid(), threading.active_count())
""",
    "a thread outlives the program's last line": """
import atexit, threading, time
atexit.register(print, "atexit")
def late():
    time.sleep(0.05)
    print("late")
threading.Thread(target=late).start()
""",
    "trio without instruments but the program's": """
import trio
async def main():
    print(trio._core._run.GLOBAL_RUN_CONTEXT.runner.instruments)
trio.run(main)
""",
    "stdin": "import sys; print(repr(sys.stdin.read()))",
    "exit status": "import sys; sys.exit(3)",
    "exit status over 255": "import sys; sys.exit(259)",
    "exit message": "import sys; sys.exit('bye')",
    "exit in atexit": "import atexit, os; atexit.register(os._exit, 4)",
    "exception": "def f():\n    1 / 0\nf()",
    "exception group": "raise ExceptionGroup('several', [ValueError(1)])",
    "excepthook": """
import sys
sys.excepthook = lambda *exc: print("hook", exc[0].__name__)
raise LookupError
""",
    "syntax error": "x = = 1",
    "warning": "import warnings; warnings.warn('look')",
    "recursion": """
def f(n):
    return f(n + 1)
try:
    f(0)
except RecursionError as exc:
    print(exc)
""",
    "recursion in C": """
nested = []
for _ in range(200_000):
    nested = [nested]
try:
    repr(nested)
except RecursionError as exc:
    print("RecursionError")
""",
    "signal handlers as found": """
import signal
print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())
       if s < signal.SIGRTMIN and signal.getsignal(s) != signal.SIG_DFL])
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1))
""",
    "KeyboardInterrupt": "import signal; signal.raise_signal(signal.SIGINT)",
    "KeyboardInterrupt caught": """
import signal
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("caught")
""",
    "KeyboardInterrupt in trio": """
import os, signal, trio
async def main():
    os.kill(os.getpid(), signal.SIGINT)
    await trio.sleep(60)
try:
    trio.run(main)
except KeyboardInterrupt:
    print("caught")
""",
    "trio.open_signal_receiver": """
import os, signal, trio
async def main():
    with trio.open_signal_receiver(signal.SIGUSR1) as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        async for number in signals:
            print(number)
            break
trio.run(main)
""",
    "trio at work": """
import trio
async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0.01)
        print(await trio.to_thread.run_sync(sum, [1, 2]))
        done = await trio.run_process(["echo", "x"], capture_stdout=True)
        print(done.stdout)
trio.run(main)
""",
    "SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "abort": "import os; os.abort()",
    "os.fork": """
import os
pid = os.fork()
if pid == 0:
    print("in the child")
else:
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    "preexec_fn": """
import os, subprocess
print(subprocess.run(["echo", "x"], preexec_fn=os.setsid, capture_output=True))
""",
    "multiprocessing, fork": """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, 2]))
""",
    "executors": """
import concurrent.futures as futures, multiprocessing
fork = multiprocessing.get_context("fork")
with futures.ThreadPoolExecutor(2) as pool:
    print(list(pool.map(abs, [-1])))
with futures.ProcessPoolExecutor(2, mp_context=fork) as pool:
    print(list(pool.map(abs, [-2])))
with futures.InterpreterPoolExecutor(2) as pool:
    print(list(pool.map(abs, [-3])))
""",
    "concurrent.interpreters": """
import concurrent.interpreters as interpreters
print(interpreters.get_current() == interpreters.get_main())
other = interpreters.create()
other.exec("print('in another')")
other.close()
""",
    "asyncio": """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("echo", "x", stdout=-1)
    print(await process.communicate())
asyncio.run(main())
""",
    "callbacks of ctypes, on foreign threads too": """
import ctypes, threading
Callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
@Callback
def callback(argument):
    print("called", threading.current_thread() is threading.main_thread())
callback(None)
libc = ctypes.CDLL(None)
thread = ctypes.c_ulong()
libc.pthread_create(ctypes.byref(thread), None, callback, None)
libc.pthread_join(thread, None)
""",
    "faulthandler": """
import faulthandler
faulthandler.enable()
print(faulthandler.is_enabled())
""",
    "logging": """
import logging
logging.basicConfig()
logging.getLogger("x").warning("look")
""",
    "garbage collection": "import gc; print(gc.isenabled(), gc.get_threshold())",
    "the stack below": """
import inspect, sys, traceback
traceback.print_stack()
print(sys._getframe().f_back, len(inspect.stack()))
def f():
    traceback.print_stack()
    try:
        sys._getframe(2)
    except ValueError as exc:
        print(exc)
f()
""",
    "the stack below trio": """
import trio, traceback
async def main():
    traceback.print_stack()
trio.run(main)
""",
    "stdout closed early": "import os; print('lost'); os.close(1)",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_code(modes_daemon, tmp_path, name, mode):
    like_python(modes_daemon, ["-c", PROGRAMS[name], "one", "two"], tmp_path, mode)


LOOK = '''"""A program's text."""
import os, sys, __main__
spec = __spec__ and __spec__.name
print(sys.argv, sys.path, __name__, __file__, spec, __package__, __doc__)
print(type(__loader__), sorted(globals()), os.getcwd())
print(sys.modules["__main__"] is __main__)
'''

START_METHODS = """
import multiprocessing
def square(x):
    return x * x
def put(queue, shared):
    queue.put(multiprocessing.current_process().name)
    shared["n"] = 7
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(1) as pool:
            print(method, pool.map(square, [3]))
        with context.Manager() as manager:
            shared, queue = manager.dict(), context.Queue()
            process = context.Process(target=put, args=(queue, shared), name="worker")
            process.start()
            print(queue.get(timeout=30), process.join(), process.exitcode)
            print(dict(shared))
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    for name in ("pkg", "folder"):
        (folder / name).mkdir()
    for name in ("look.py", "folder/__main__.py", "pkg/__init__.py"):
        (folder / name).write_text(LOOK)
    for name in ("pkg/__main__.py", "pkg/sub.py"):
        (folder / name).write_text(LOOK)
    (folder / "link.py").symlink_to("folder/__main__.py")
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", LOOK)
    (folder / "bad.py").write_text("x = = 1\n")
    (folder / "raises.py").write_text("def f():\n    1 / 0\nf()\n")
    (folder / "pkg/raises.py").write_text("def f():\n    1 / 0\nf()\n")
    (folder / "stack.py").write_text("import traceback\ntraceback.print_stack()\n")
    (folder / "methods.py").write_text(START_METHODS)
    (folder / "latin.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))\n")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["look.py", "a", "-b"],
        ["./look.py"],
        ["folder/../look.py"],
        ["folder"],
        ["archive.zip"],
        ["link.py"],
        ["latin.py"],
        ["bad.py"],
        ["raises.py"],
        ["methods.py"],
        ["stack.py"],
        ["-m", "stack"],
        ["-m", "pkg.raises"],
        ["-m", "methods"],
        ["-m", "bad"],
        ["-m", "pkg", "a", "-b"],
        ["-m", "pkg.sub"],
        ["-m", "pkg.nosuch"],
        ["-m", "nosuch"],
        ["-m", "json.tool", "--help"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("mode", MODES)
def test_program(modes_daemon, programs, words, mode):
    like_python(modes_daemon, words, programs, mode)
