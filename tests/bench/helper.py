"""Processes that measure or are measured: a line in, a line of words out, with
a deadline."""

import ctypes
import os
import pathlib
import select
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 120  # seconds of one answer


PR_SET_PDEATHSIG = 1


class HelperError(Exception):
    pass


def ends_with_us():
    """In what we start: it gets no Ctrl-C meant for us, and does not outlive
    us."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Helper:
    def __init__(self, name, command, **options):
        self.name = name
        self._left = b""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=ends_with_us,
            **options,
        )

    def tell(self, line):
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # hear() says why

    def hear(self):
        out = self._process.stdout.fileno()
        while b"\n" not in self._left:
            if not select.select([out], [], [], DEADLINE)[0]:
                raise HelperError(f"{self.name}: no answer in {DEADLINE} s")
            data = os.read(out, 65536)
            if not data:
                status = self._process.wait(DEADLINE)
                raise HelperError(f"{self.name}: ended with status {status}")
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        return line.decode().split()

    def ask(self, line):
        self.tell(line)
        return self.hear()

    def stop(self):
        """Ends it by the end of its input."""
        self._process.stdin.close()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def peer(kind):
    """One of bench_peers.py's."""
    code = f"import bench_peers; bench_peers.main({kind!r})"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONSAFEPATH": "1"}
    return Helper(kind, [sys.executable, "-c", code], env=environment)
