"""The other ways to a Python child, each in a process of its own: `go`, `load
MS`, `hold N` and `drop` on standard input, one line of figures (nanoseconds)
back, as tests/bench_client.c has it for forkserverd.

Run as `python3.14 -c "import bench_peers; bench_peers.main(KIND)"`: so nobody
has a __main__ that multiprocessing would import anew in each child.
"""

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import time

import bench_task

PROGRAM = "import sys, bench_task; bench_task.tell_fd(int(sys.argv[1]))"
HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    """One way.  `go` gives the times of the first trio task and of the end."""

    def load(self, seconds):
        raise NotImplementedError(f"{type(self).__name__} has no load")

    def hold(self, count):
        raise NotImplementedError(f"{type(self).__name__} holds nobody")

    def stop(self):
        pass


class Multiprocessing(Peer):
    def __init__(self, method):
        self.context = multiprocessing.get_context(method)
        if method == "forkserver":
            self.context.set_forkserver_preload(["trio", "bench_task"])
        self.held = []

    def start(self, target, *args):
        process = self.context.Process(target=target, args=args)
        process.start()
        return process

    def go(self):
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.start(bench_task.tell_pipe, theirs)
        first = int.from_bytes(ours.recv_bytes(), "little")
        process.join()
        reaped = time.monotonic_ns()
        ours.close()
        theirs.close()
        return first, reaped

    def load(self, seconds):
        begun = time.monotonic()
        children = 0
        while time.monotonic() < begun + seconds:
            self.start(bench_task.run_task).join()
            children += 1
        return children

    def hold(self, count):
        for _ in range(count):
            ours, theirs = self.context.Pipe(duplex=False)
            process = self.start(bench_task.run_idle, theirs)
            ours.recv_bytes()
            self.held.append(process)
        return [process.pid for process in self.held]

    def drop(self):
        for process in self.held:
            process.kill()
        for process in self.held:
            process.join()
        self.held.clear()

    def server_pid(self):
        from multiprocessing import forkserver

        return forkserver._forkserver._forkserver_pid

    def stop(self):
        """Its helpers, which otherwise live as long as we do."""
        from multiprocessing import forkserver, resource_tracker

        forkserver._forkserver._stop()
        resource_tracker._resource_tracker._stop()


class PythonC(Peer):
    def go(self):
        ours, theirs = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(theirs)],
            pass_fds=[theirs],
            env={**os.environ, "PYTHONPATH": HERE},
        )
        first = int.from_bytes(os.read(ours, 8), "little")
        process.wait()
        reaped = time.monotonic_ns()
        os.close(ours)
        os.close(theirs)
        return first, reaped


class OsFork(Peer):
    def go(self):
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            bench_task.tell_fd(theirs)
            os._exit(0)
        first = int.from_bytes(os.read(ours, 8), "little")
        os.waitpid(pid, 0)
        reaped = time.monotonic_ns()
        os.close(ours)
        os.close(theirs)
        return first, reaped


class Interpreters(Peer):
    """A pool of one: what its first task takes, in a new interpreter."""

    def go(self):
        pool = concurrent.futures.InterpreterPoolExecutor(max_workers=1)
        first = pool.submit(bench_task.run_clock).result()
        pool.shutdown()
        return first, time.monotonic_ns()


KINDS = {
    "mp_forkserver": lambda: Multiprocessing("forkserver"),
    "mp_spawn": lambda: Multiprocessing("spawn"),
    "mp_fork": lambda: Multiprocessing("fork"),
    "python_c": PythonC,
    "os_fork": OsFork,
    "interpreter_pool": Interpreters,
}


def obey(peer, words):
    match words:
        case ["go"]:
            begun = time.monotonic_ns()
            return [at - begun for at in peer.go()]
        case ["load", ms]:
            return [peer.load(int(ms) / 1000)]
        case ["hold", count]:
            return peer.hold(int(count))
        case ["drop"]:
            peer.drop()
            return [0]
        case ["server"]:
            return [peer.server_pid()]
    raise ValueError(f"what is: {words}")


def main(kind):
    peer = KINDS[kind]()
    try:
        for line in sys.stdin:
            print(*obey(peer, line.split()), flush=True)
    finally:
        peer.stop()
