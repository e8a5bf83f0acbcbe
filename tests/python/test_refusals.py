"""Who is refused at the connection is in the log, but does not fill it."""

import contextlib
import re
import socket
import subprocess
import sys

import pytest
from conftest import BIN, start

LIMIT = 60
AT_ONCE = 20  # lines in a while
STRANGER = 1001

CONNECT = """
import socket, sys
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
"""


class Daemon:
    def __init__(self, folder, config):
        folder.chmod(0o755)
        for parent in folder.parents[:2]:
            parent.chmod(parent.stat().st_mode | 0o011)
        (folder / "config.toml").write_text(config)
        self.socket = folder / "socket"
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = start(folder, ["--config", folder / "config.toml"], stderr=log)

    def ping(self):
        """In its turn: all who came before are heard."""
        return subprocess.run(
            [BIN / "forkctl", "--socket", self.socket, "ping"],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    def end(self):
        """The lines that tell of one, and how many there were in all."""
        self.process.terminate()
        assert self.process.wait(LIMIT) == 0
        log = self.log.read_text()
        told = re.findall(r"^.* op=refuse what=connect: .*$", log, re.M)
        more = re.findall(r" op=refuse: (\d+) more within 10 s were not told of$", log, re.M)
        assert 0 < len(told) <= AT_ONCE * (1 + len(more))
        return told, len(told) + sum(map(int, more))


@pytest.fixture
def daemon(tmp_path):
    def daemon(config):
        nonlocal made
        made = Daemon(tmp_path, config)
        return made

    made = None
    yield daemon
    made.process.kill()
    made.process.wait()


def test_who_is_shut_out(daemon):
    d = daemon('[server]\nmode = "0666"\n')
    subprocess.run(
        [sys.executable, "-c", CONNECT, d.socket, "60"], user=STRANGER, check=True, timeout=LIMIT
    )
    assert d.ping().returncode == 0
    told, number = d.end()
    assert number == 60 and len(told) < 60
    for line in told:
        assert f" uid={STRANGER} op=refuse what=connect: uid {STRANGER} may not use" in line


def test_for_whom_there_is_no_room(daemon):
    d = daemon("[server]\nmax_clients = 2\n")
    with contextlib.ExitStack() as stack:
        for _ in range(2 + 50):
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(d.socket))
        done = d.ping()
    assert done.returncode == 125 and "no more are allowed" in done.stderr
    told, number = d.end()
    assert number == 51 and len(told) < 51
    assert all(line.endswith("2 connections are there, no more are allowed") for line in told)
