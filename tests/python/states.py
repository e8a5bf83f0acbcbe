"""Programs that tell the state that CPython keeps per process, thread or
interpreter, by name, for test_state.
"""

PROGRAMS = {
    "native ids": """
import os, threading
def look(what):
    me = threading.current_thread()
    print(what, me.native_id == threading.get_native_id(), me.name, me.daemon)
    print(me.ident == threading.get_ident(), me is threading.main_thread())
look("main")
thread = threading.Thread(target=look, args=("thread",))
thread.start()
thread.join()
print(threading.main_thread().native_id == os.getpid(), threading.enumerate())
if os.fork() == 0:
    look("forked")
    print(threading.get_native_id() == os.getpid(), flush=True)
    os._exit(0)
print(os.wait()[1])
""",
    "nesting too deep for C": """
import ast, json, pickle, threading
def tries():
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    deep = "[" * 100_000 + "]" * 100_000
    for name, work in {
        "repr": lambda: repr(nested),
        "json": lambda: json.dumps(nested),
        "json, back": lambda: json.loads(deep),
        "pickle": lambda: pickle.dumps(nested),
        "compile": lambda: compile(deep, "x", "eval"),
        "ast": lambda: ast.literal_eval("-" * 100_000 + "1"),
        "compare": lambda: nested == [nested],
    }.items():
        try:
            work()
            print(name, "works")
        except (RecursionError, MemoryError, SyntaxError) as exc:
            print(name, type(exc).__name__)
tries()
thread = threading.Thread(target=tries)
thread.start()
thread.join()
""",
    "deep recursion of Python's": """
import sys, threading
sys.setrecursionlimit(50_000)
def down(n):
    return 0 if n == 0 else 1 + down(n - 1)
print(down(40_000))
thread = threading.Thread(target=lambda: print(down(40_000)))
thread.start()
thread.join()
""",
    "a foreign thread's state": """
import ctypes, sys, threading, _interpreters
libc = ctypes.CDLL(None)
seen = []
@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def callback(argument):
    seen.append((_interpreters.get_current()[0], threading.get_native_id()))
    import colorsys  # into this interpreter
    del colorsys
for _ in range(50):
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, callback, None)
    libc.pthread_join(thread, None)
print(len(seen), {i for i, _ in seen} == {_interpreters.get_current()[0]})
print(threading.get_native_id() in [n for _, n in seen], "colorsys" in sys.modules)
""",
    "running main": """
import concurrent.interpreters as interpreters
print(interpreters.get_main().is_running(), interpreters.get_current().is_running())
print(interpreters.get_main() == interpreters.get_current(), len(interpreters.list_all()))
other = interpreters.create()
print(other.is_running(), other.call(sum, [1, 2]), len(interpreters.list_all()))
try:
    interpreters.get_main().exec("1")
except interpreters.InterpreterError as exc:
    print(type(exc).__name__)
other.close()
""",
    "hooks around a fork": """
import os, sys
told = []
for name in ("first", "second"):
    os.register_at_fork(
        before=lambda n=name: told.append(("before", n)),
        after_in_parent=lambda n=name: told.append(("in parent", n)),
        after_in_child=lambda n=name: told.append(("in child", n)),
    )
def fork(work):
    if os.fork() == 0:
        work()
        sys.stdout.flush()
        os._exit(0)
    print(os.wait()[1], told)
fork(lambda: fork(lambda: print("below", told)))
""",
    "asyncio": """
import asyncio, os, signal, threading
async def main():
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, heard.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(heard.wait(), 30)
    print(await asyncio.to_thread(lambda: threading.active_count()))
    process = await asyncio.create_subprocess_shell("echo x; exit 3", stdout=-1)
    print(await process.communicate(), process.returncode)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
print(asyncio.run(main()))
try:
    asyncio.get_running_loop()
except RuntimeError as exc:
    print(exc)
async def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(60)
try:
    asyncio.run(interrupted())
except KeyboardInterrupt:
    print("interrupted")
""",
    "logging across a fork": """
import logging, os, sys, threading
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s %(threadName)s")
log = logging.getLogger("x")
log.error("here")
lock = logging.getLogger().handlers[0].lock
held, go = threading.Event(), threading.Event()
def hold():
    with lock:
        held.set()
        go.wait(30)
thread = threading.Thread(target=hold)
thread.start()
held.wait(30)
if os.fork() == 0:
    log.error("in the forked")
    sys.stdout.flush()
    os._exit(0)
print(os.wait()[1])
go.set()
thread.join()
log.error("there")
""",
    "locks of threading": """
import threading
condition = threading.Condition()
barrier = threading.Barrier(3)
got = []
def work(n):
    barrier.wait(30)
    with condition:
        got.append(n)
        condition.notify()
threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
for thread in threads:
    thread.start()
with condition:
    barrier.wait(30)
    print(condition.wait_for(lambda: len(got) == 2, 30))
for thread in threads:
    thread.join()
print(threading.active_count(), threading.local().__dict__)
timer = threading.Timer(0, print, ["timer"])
timer.start()
timer.join()
""",
    "the end": """
import atexit, os, sys, threading, time
atexit.register(print, "atexit, registered first")
atexit.register(print, "atexit, registered last")
threading._register_atexit(print, "before the threads are joined")
def late():
    time.sleep(0.05)
    atexit.register(print, "atexit, from a thread")
    print("thread")
threading.Thread(target=late).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
sys.stdout.write("no newline ")
""",
    "what fails at the end": """
import atexit, threading
def fails():
    raise ValueError("in a thread")
def fails_at_exit():
    raise ValueError("at exit")
atexit.register(fails_at_exit)
threading.Thread(target=fails, name="named").start()
""",
    "what is deleted at the end": """
class A:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        print("deleted", self.name, print is not None)
later = A("later")
_first = A("first")
cycle = A("cycle")
cycle.me = cycle
import json
json.kept = A("kept by a module")
""",
    "what is deleted at the end of threads": """
import threading
class A:
    def __del__(self):
        print("deleted")
kept = A()
thread = threading.Thread(target=lambda: print("thread", kept is not None))
thread.start()
""",
    "files left open": """
import os, tempfile, warnings
warnings.simplefilter("ignore", ResourceWarning)  # which a debug build shows
kept = open("kept.txt", "w")
kept.write("text")
raw = open("raw.bin", "wb")
raw.write(b"bytes")
folder = tempfile.TemporaryDirectory(dir=".")
named = tempfile.NamedTemporaryFile(dir=".", prefix="named")
class Holder:
    def __init__(self, file):
        self.file, self.me = file, self
Holder(open("cycle.txt", "w")).file.write("cycle")
if os.fork():
    os.wait()
    os.execvp("sh", ["sh", "-c", "cat kept.txt raw.bin cycle.txt; ls"])
""",
    "unraisable": """
class A:
    def __del__(self):
        raise ValueError("in __del__")
A()
print("after")
""",
    "warnings": """
import warnings
def warn(n):
    warnings.warn(f"look {n}", stacklevel=2)
for _ in range(3):
    warn(1)
warn(2)
warnings.warn("old", DeprecationWarning)
exec(compile("import warnings; warnings.warn('other', DeprecationWarning)", "other.py", "exec"),
     {"__name__": "other"})
open("/dev/null")
print(warnings.filters[:5])
""",
    "tracebacks": """
import traceback
def inner(value):
    return {"a": [value / 0]}
def outer():
    try:
        inner(1)
    except ZeroDivisionError as exc:
        exc.add_note("a note")
        raise LookupError("outer") from exc
try:
    outer()
except LookupError:
    traceback.print_exc()
try:
    exec("def f():\\n  retrun 1")
except SyntaxError:
    traceback.print_exc()
try:
    traceback.nosuch
except AttributeError:
    traceback.print_exc()
raise ExceptionGroup("several", [ValueError(1), ExceptionGroup("more", [OSError(2, "x")])])
""",
    "locale": """
import locale, sys, time
print(locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_TIME))
print(locale.setlocale(locale.LC_ALL, ""), locale.getlocale(), locale.getencoding())
print(sys.stdout.encoding, sys.stdout.errors, sys.stdin.errors, sys.getfilesystemencoding())
print(time.tzname, time.localtime(0).tm_hour, time.strftime("%A %x", time.gmtime(0)))
""",
    "standard streams": """
import sys
for stream in (sys.stdout, sys.stderr, sys.stdin):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering,
          stream is not sys.stdin and stream.write_through, stream.newlines, stream.fileno(), stream.isatty())
print(sys.stdin.buffer.name, type(sys.stdin.buffer).__name__, sys.__stdout__ is sys.stdout)
""",
    "temporary files": "import tempfile; print(tempfile.gettempdir())",
    "environment": """
import os
ours = "_", "FORKSERVER_SOCKET", "FORKSERVER_PARENT"
print(sorted((k, v) for k, v in os.environ.items() if k not in ours))
os.environ["NEW"] = "x"
os.system("echo $NEW")
""",
    "sys": """
import sys
print(sys.argv, sys.orig_argv[2:], sys.executable, sys._base_executable, sys.prefix)
print(sys.flags, sys.warnoptions, sys._xoptions, sys.platlibdir, sys.dont_write_bytecode)
print(sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile())
print(sys.stdlib_module_names >= {"os"}, sys.is_finalizing(), sys.flags.utf8_mode)
print(sys.displayhook is sys.__displayhook__, sys.excepthook is sys.__excepthook__)
print(sys.path_hooks == [__import__("zipimport").zipimporter, sys.path_hooks[1]], len(sys.meta_path))
""",
    "faulthandler": """
import faulthandler, sys, threading
faulthandler.enable()
faulthandler.dump_traceback(all_threads=False)
faulthandler.dump_traceback_later(0.05, exit=True)
threading.Event().wait(60)
""",
    "a segmentation fault": """
import ctypes, faulthandler
faulthandler.enable()
ctypes.string_at(0)
""",
    "tracemalloc": """
import tracemalloc
print(tracemalloc.is_tracing())
tracemalloc.start()
kept = bytes(100_000)
print(sum(s.size for s in tracemalloc.take_snapshot().statistics("filename")) > 100_000)
""",
    "profile and monitoring": """
import cProfile, sys
profile = cProfile.Profile()
print(profile.runcall(sum, [1, 2]))
sys.setprofile(lambda *a: None)
sys.settrace(None)
print([sys.monitoring.get_tool(n) for n in range(6)])
""",
    "terminal modules": """
import curses, readline
print(readline.get_current_history_length(), curses.A_BOLD)
""",
    "resources": """
import resource, os, signal
for name in ("RLIMIT_STACK", "RLIMIT_NOFILE", "RLIMIT_NPROC"):
    print(name, resource.getrlimit(getattr(resource, name)))
print(oct(os.umask(0)), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
print(signal.getitimer(signal.ITIMER_REAL), signal.sigpending())
""",
    "signals one after the other": """
import os, signal, time
got = []
signal.signal(signal.SIGUSR1, lambda *a: got.append(a[0]))
for _ in range(1000):
    os.kill(os.getpid(), signal.SIGUSR1)
print(len(got))
signal.signal(signal.SIGALRM, lambda *a: got.append(a[0]))
signal.setitimer(signal.ITIMER_REAL, 0.0, 0)
os.kill(os.getpid(), signal.SIGALRM)
while got[-1] != signal.SIGALRM:
    signal.pause()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigwait([signal.SIGUSR2]), signal.siginterrupt(signal.SIGUSR1, True))
os.kill(os.getpid(), signal.SIGALRM)
print(signal.default_int_handler is signal.getsignal(signal.SIGINT))
""",
    "children of its own": """
import os, signal, subprocess
print(subprocess.run(["sh", "-c", "kill -TERM $$"]).returncode)
process = subprocess.Popen(["cat"], stdin=-1, stdout=-1, process_group=0)
print(process.communicate(b"x"), process.returncode)
print(subprocess.run(["sh", "-c", "trap"], capture_output=True))
print(subprocess.run(["grep", "Sig[BI]", "/proc/self/status"], capture_output=True).stdout)
pid = os.posix_spawn("/bin/true", ["true"], os.environ)
print(os.waitpid(pid, 0)[1], os.system("exit 3"))
print(sorted(os.listdir("/proc/self/fd"))[:3])
""",
}
