"""Runs pytest so that neither a hang nor what a test leaves behind costs more
than that test.  What the outcomes mean is no matter of this file."""

import contextlib
import ctypes
import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """What tests leave behind becomes this process's, so that it is found."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl: PR_SET_CHILD_SUBREAPER")


def children(pid):
    """Its living children: their pids."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "stat").read_text().rpartition(")")[2].split()
                if words[0] != "Z" and int(words[1]) == pid:
                    found.append(int(entry.name))
    return found


def end_all_but(spared):
    """Kills this process's children, and theirs, but for SPARED.  What they
    were: the text of each."""
    were = []
    while found := [pid for pid in children(os.getpid()) if pid not in spared]:
        for pid in found:
            with contextlib.suppress(OSError):
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                were.append(f"{pid} {command.replace(b'\0', b' ').decode(errors='replace')[:100]}")
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return were


class Run:
    """One side's run of some tests: `outcomes` by id."""

    def __init__(self, tree, environment, plugins, seconds, spared, log):
        self._tree = tree
        self._environment = environment
        self._plugins = [word for name in ("outcomes", *plugins) for word in ("-p", name)]
        self._seconds = seconds
        self._spared = spared
        self._log = log
        self.outcomes = {}
        self.left = []

    def file(self, file, only=None):
        """All tests of FILE, or ONLY those."""
        self.outcomes = {}
        self.left = []
        while True:
            left, hung = self._once(file, only)
            if not hung:
                self.outcomes.update(dict.fromkeys(left, "not run"))
                return self.outcomes
            only = left
            if not only:
                return self.outcomes

    def _once(self, file, only):
        """Runs until all is done or one hangs: the tests that are left, and
        whether one hung."""
        with (
            tempfile.NamedTemporaryFile("w", suffix=".json") as list_,
            tempfile.TemporaryDirectory() as runtime,
            open(self._log, "ab") as log,
        ):
            # What a killed test leaves there is in the way of the next: sockets.
            environment = {**self._environment, "XDG_RUNTIME_DIR": runtime}
            if only is not None:
                json.dump(only, list_)
                list_.flush()
                environment["OUTCOMES_ONLY"] = list_.name
            reader, writer = os.pipe()
            pytest = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    *self._plugins,
                ]
                + ["--tb=short", file],
                cwd=self._tree,
                env={**environment, "OUTCOMES": str(writer)},
                pass_fds=[writer],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            os.close(writer)
            try:
                return self._follow(reader, file)
            finally:
                os.close(reader)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pytest.pid, signal.SIGKILL)
                pytest.wait()
                self.left += end_all_but(self._spared)

    def _follow(self, reader, file):
        collected, running = None, None
        for message in lines(reader, self._seconds):
            match message:
                case None:
                    self.outcomes[running or f"{file} (all)"] = "hung"
                    return [i for i in collected or [] if i not in self.outcomes], True
                case ["collected", ids]:
                    collected = ids
                case ["start", running]:
                    pass
                case ["end", id, outcome]:
                    self.outcomes[id] = outcome
                    running = None
        if collected is None:
            self.outcomes[f"{file} (all)"] = "not collected"
        return [i for i in collected or [] if i not in self.outcomes], False


def lines(reader, seconds):
    """The messages of an outcomes plugin; None when none comes for SECONDS."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        last = time.monotonic()
        while True:
            if not selector.select(max(0, last + seconds - time.monotonic())):
                yield None
                return
            data = os.read(reader, 65536)
            if not data:
                return
            last = time.monotonic()
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield json.loads(line)
