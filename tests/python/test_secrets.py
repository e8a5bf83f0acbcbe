"""What clients tell the daemon of their programs, and a configuration's
variables, are in no line of its log, at no level and in no failure."""

import signal
import socket
import subprocess

import conftest
import msgpack
import pytest
from conftest import BIN, ENVIRONMENT

LIMIT = 60  # seconds
SECRET = "xyzzy9Qpasswort"
BAD = f"""\
[template.default]
env = {{ PASSWORD = "{SECRET}" }}
[template.bad]
preload = ["trio", "no_such_module"]
env = {{ PASSWORD = "{SECRET}" }}
"""


class Daemon:
    """One that logs all, and what it has logged when it is over."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        config = folder / "config.toml"
        config.write_text(BAD)
        self.options = ["--config", config, "--log-level", "debug"]
        with self.log.open("wb") as log:
            self.process = conftest.start(folder, self.options, stderr=log)

    def forkctl(self, *words, **options):
        return subprocess.run(
            [BIN / "forkctl", "--socket", self.folder / "socket", *words],
            capture_output=True,
            timeout=LIMIT,
            env={**ENVIRONMENT, "PASSWORD": SECRET},
            **{"stdin": subprocess.DEVNULL, **options},
        )

    def request(self, method, params):
        """The error that it is answered with, or None."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(LIMIT)
            peer.connect(str(self.folder / "socket"))
            peer.sendall(msgpack.packb([0, 1, method, [params]]))
            unpacker = msgpack.Unpacker()
            while True:
                unpacker.feed(peer.recv(65536))
                for frame in unpacker:
                    return frame[2]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(LIMIT) == 0
        return self.log.read_bytes()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("secrets"))
    yield daemon
    log = daemon.end()
    # It has told of these children, and of the requests that failed.
    assert b" op=over " in log and b" refused: " in log and b"template=bad" in log
    told = [line for line in log.splitlines() if SECRET.encode() in line]
    assert told == []


ENDS = {
    "well": "print(word)",
    "by an exception": "raise ValueError(word)",
    "by exit": "raise SystemExit(word)",
    "by a signal": "import os; os.kill(os.getpid(), 9)",
    "with a syntax error": "this is no Python",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("verb", ["run", "spawn"])
def test_a_program_that_ends(daemon, verb, end):
    code = f"import sys; word = '{SECRET}'\n{ENDS[end]}"
    daemon.forkctl(verb, "--env", f"TOKEN={SECRET}", "-c", code, SECRET, f"--password={SECRET}")


def test_one_that_cannot_be_imported(daemon):
    done = daemon.forkctl("run", "-m", "no_such_module", SECRET)
    assert done.returncode == 1


def test_one_that_hangs(daemon):
    loop = f"while True: word = '{SECRET}'"
    code = f"import trio\nasync def main():\n    {loop}\ntrio.run(main)"
    done = daemon.forkctl("run", "--on-hang", "0.2", "--timeout", "5", "-c", code, SECRET)
    assert done.returncode == 124
    assert b"op=hang" in daemon.log.read_bytes()


def test_one_that_cannot_be_set_up(daemon):
    done = daemon.forkctl("run", "--cwd", "/nonexistent", "-c", f"'{SECRET}'", SECRET)
    assert done.returncode == 126


def test_a_token_that_was_used_for_another(daemon):
    done = daemon.forkctl("spawn", "--token", "once", "-c", f"'{SECRET}'", SECRET)
    assert done.returncode == 0
    done = daemon.forkctl("spawn", "--token", "once", "-c", f"'{SECRET}1'", SECRET)
    assert done.returncode == 125


# A program's part, wrong: each is refused, with an error that may tell the
# asker what it was.
WRONG = [
    {"code": SECRET, "env": {"A": 1, "B": SECRET}},
    {"code": SECRET, "env": [SECRET]},
    {"code": SECRET, "env": {f"{SECRET}=": SECRET}},
    {"code": SECRET, "env": {"A": f"{SECRET}\0"}},
    {"code": f"{SECRET}\0", "argv": [SECRET]},
    {"code": SECRET, "argv": [SECRET, 1]},
    {"code": SECRET, "argv": SECRET},
    {"code": SECRET, "argv": [f"{SECRET}\0"]},
    {"code": [SECRET]},
    {"code": SECRET, "script": SECRET},
    {"code": SECRET, "args": [SECRET]},
    {"call": "builtins:print", "args": SECRET},
    {"call": "builtins:print", "kwargs": [SECRET]},
    {"call": "builtins:print", "kwargs": {1: SECRET}},
    {"call": "builtins:print", "template": "bad", "args": [SECRET]},
    {"code": SECRET, "env": {"A": SECRET}, "no_such_key": SECRET},
    {"code": SECRET, "cwd": f"/{SECRET}", "env": {"A": SECRET}, "umask": SECRET},
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_request_that_is_refused(daemon, wrong):
    assert daemon.request("spawn", wrong) is not None
