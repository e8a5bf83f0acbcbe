"""forkctl on the lifetimes of children: whose they are, and how they end."""

import json
import re
import select
import signal
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT, FIXTURES

LIMIT = 20  # seconds; nothing here takes one
HANG = "import time; time.sleep(3600)"


class Forkctl:
    """What forkctl does of one daemon."""

    def __init__(self, daemon):
        self.start = [str(BIN / "forkctl"), "--socket", str(daemon)]

    def __call__(self, *words, status=0):
        done = subprocess.run(
            [*self.start, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    def begin(self, *words):
        return subprocess.Popen(
            [*self.start, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def attach(self, child):
        """Returns when the lease is there."""
        held = self.begin("attach", child)
        assert re.match(f"forkctl: child {child} ends with", held.stderr.readline())
        return held

    def inspect(self, child):
        return json.loads(self("--json", "inspect", child))


def finish(process, status):
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == status, err
    return out, err


@pytest.fixture
def forkctl(daemon):
    return Forkctl(daemon)


@pytest.fixture
def child(forkctl):
    """A detached one."""
    return int(forkctl("spawn", "-c", HANG))


# --- attach and detach ------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_attach_cancels_on_a_signal(forkctl, child, number):
    held = forkctl.attach(child)
    assert not forkctl.inspect(child)["detached"]
    held.send_signal(number)
    finish(held, 128 + signal.SIGTERM)
    assert forkctl.inspect(child)["record"]["cancelled"]


def test_the_second_signal_kills(forkctl):
    code = "import os, signal, time\nsignal.signal(15, lambda *_: os.write(1, b't'))\n"
    code += "os.write(1, b'u')\nwhile True: time.sleep(1)"
    stubborn = forkctl.begin("run", "-c", code)
    assert stubborn.stdout.read(1) == "u"
    [child] = [c["id"] for c in children(forkctl) if c["entry"] == code]
    held = forkctl.attach(child)
    held.send_signal(signal.SIGINT)
    assert stubborn.stdout.read(1) == "t"
    held.send_signal(signal.SIGINT)
    finish(held, 128 + signal.SIGKILL)
    # Its lease was taken, and it ends as the child does all the same.
    finish(stubborn, 128 + signal.SIGKILL)


def test_attach_lets_go_on_sigquit(forkctl, child):
    held = forkctl.attach(child)
    held.send_signal(signal.SIGQUIT)
    _, err = finish(held, 0)
    assert "goes on by itself" in err
    now = forkctl.inspect(child)
    assert now["detached"] and now["state"] == "running"
    forkctl("kill", child)


def test_the_end_of_attach_is_the_childs(forkctl, child):
    held = forkctl.attach(child)
    held.kill()
    finish(held, -signal.SIGKILL)
    forkctl("wait", child, status=128 + signal.SIGTERM)
    assert forkctl.inspect(child)["record"]["cancelled"]


def test_attach_ends_as_the_child_does(forkctl, child):
    held = forkctl.attach(child)
    forkctl("kill", child)
    finish(held, 128 + signal.SIGKILL)
    # One that has ended is not lost.
    forkctl("attach", child, status=128 + signal.SIGKILL)
    forkctl("attach", 99999, status=125)
    forkctl("attach", "x", status=125)
    record = json.loads(forkctl("--json", "attach", child, status=137))
    assert record["signal"] == signal.SIGKILL


def test_attach_loses_it(forkctl, child):
    held = forkctl.attach(child)
    other = forkctl.attach(child)
    _, err = finish(held, 125)
    assert "taken by another" in err
    forkctl("detach", child)
    _, err = finish(other, 0)
    assert "let go" in err
    assert forkctl.inspect(child)["detached"]
    forkctl("kill", child)


# --- wait -------------------------------------------------------------------


def test_wait_any(forkctl, child):
    other = int(forkctl("spawn", "-c", "import sys; sys.exit(3)"))
    assert forkctl("wait", "--any", child, other, status=3) == f"{other} 3\n"
    reply = json.loads(forkctl("--json", "wait", "-n", child, other, status=3))
    assert reply["pending"] == [child]
    forkctl("kill", child)


def test_wait_all(forkctl, child):
    others = [int(forkctl("spawn", "-c", f"exit({n})")) for n in (0, 4)]
    forkctl("wait", "--all", "-t", "0.1", child, *others, status=124)
    for other, status in zip(others, (0, 4)):
        forkctl("wait", other, status=status)
    # Those that have ended come first, as they are named: 4 is the first that
    # is not 0, whether or not the child is dead when the wait begins.
    waits = forkctl.begin("wait", *others, child)
    forkctl("kill", child)
    out, _ = finish(waits, 4)
    expected = {f"{child} 137", f"{others[0]} 0", f"{others[1]} 4"}
    assert set(out.splitlines()) == expected
    forkctl("wait", "--all", others[0])
    forkctl("wait", "--all", others[0], 99999, status=125)


def test_wait_for_whoever_is_there(forkctl, child):
    forkctl("wait", "--any", "--timeout", "0.01", status=124)
    forkctl("kill", child)
    forkctl("wait", child, status=137)
    assert forkctl("wait", "--all") == forkctl("wait", "--any") == ""
    forkctl("wait", status=125)


# --- spawn ------------------------------------------------------------------


def test_run_detach_and_tokens(forkctl):
    child = int(forkctl("run", "--detach", "--token", "a b", "-c", HANG))
    assert int(forkctl("spawn", "--token", "a b", "-c", HANG)) == child
    assert forkctl.inspect(child)["detached"]
    forkctl("spawn", "--token", "a b", "-c", "pass", status=125)
    forkctl("run", "--token", "a b", "-c", HANG, status=125)
    forkctl("kill", child)


# --- what is to be seen -----------------------------------------------------


def test_events_of_one(forkctl, child):
    seen = forkctl.begin("events", child)
    as_json = forkctl.begin("--json", "events", child)
    forkctl("kill", child)
    out, _ = finish(seen, 0)
    assert out == f"exited   {child} signal 9\n"
    out, _ = finish(as_json, 0)
    event = json.loads(out)
    assert event["event"] == "exited" and event["params"]["id"] == child
    forkctl("events", "--tree", status=125)


def test_events_of_all(forkctl):
    seen = forkctl.begin("events")
    child = None
    while not select.select([seen.stdout], [], [], 0)[0]:  # it listens now
        child = int(forkctl("spawn", "-c", "exit(5)"))
    lines = [seen.stdout.readline()]
    while not lines[-1].startswith("exited"):
        lines.append(seen.stdout.readline())
    number = lines[-1].split()[1]
    assert lines[-1] == f"exited   {number} 5\n" and int(number) <= child
    seen.terminate()
    finish(seen, -signal.SIGTERM)


def children(forkctl):
    return json.loads(forkctl("--json", "ps"))["children"]


def test_ps_shows_the_tree(forkctl):
    words = ["run", "-e", f"PYTHONPATH={FIXTURES}", "-C", FIXTURES, "nest:detaches"]
    held = forkctl.begin(*words)
    held.stdout.readline()
    held.stdout.readline()
    held.stdout.readline()
    lines = forkctl("ps", "--tree").splitlines()
    titles = [line.split("  ")[-1].strip() for line in lines]
    assert "nest:detaches" in titles[1]
    assert lines[2].index("\\_") < lines[3].index("\\_")
    for child in reversed(children(forkctl)):  # they have its standard output
        forkctl("kill", child["id"])
    finish(held, 137)
