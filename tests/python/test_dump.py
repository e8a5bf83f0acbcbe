"""forkctl dump, and --on-hang, as a person uses them."""

import json
import re

import pytest
from conftest import FIXTURES
from test_forkctl import forkctl

HERE = ["--cwd", str(FIXTURES)]


def spawned(daemon, call, *options):
    return forkctl(daemon, "spawn", *HERE, *options, call).stdout.strip()


@pytest.fixture
def child(daemon, request):
    """The id of one that runs the call of the parameter."""
    number = spawned(daemon, request.param)
    yield number
    forkctl(daemon, "kill", number)


@pytest.mark.parametrize("child", ["hangs:family"], indirect=True)
def test_tree(daemon, child):
    # What it does first may still be to come.
    while (told := forkctl(daemon, "dump", child)).stdout.count("(blocked)") < 3:
        assert told.returncode == 0, told.stderr
    tree, _, stacks = told.stdout.partition("\n\n")
    lines = tree.splitlines()
    assert re.fullmatch(
        r"trio.run in Thread \d+ 'MainThread', the main one: \d tasks", lines[0]
    )
    assert lines[1] == "hangs.family (blocked)"
    assert "└─ nursery" in lines
    assert "   ├─ first-born (blocked)" in lines
    assert any(
        re.match(r"   └─ cancel scope, deadline in \d+\.\d+s$", x) for x in lines
    )
    assert "         ├─ kid-0 (blocked)" in lines
    assert lines[-1] == "         └─ cancel scope, shielded"
    assert "await trio.sleep_forever()" in tree
    assert stacks.startswith("Thread ") and "_io_epoll.py" in stacks


@pytest.mark.parametrize("child", ["hangs:family"], indirect=True)
def test_json(daemon, child):
    reply = json.loads(forkctl(daemon, "dump", "--json", child).stdout)
    assert reply["id"] == int(child)
    assert reply["stacks_by"] == "python"


@pytest.mark.parametrize("child", ["hangs:holds_gil"], indirect=True)
def test_in_c_code(daemon, child):
    while "holds the GIL" not in (told := forkctl(daemon, "dump", child)).stdout:
        assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("no tasks: the main thread has not come back")
    assert ", in holds_gil\n" in told.stdout


@pytest.mark.parametrize("child", ["hangs:without_trio"], indirect=True)
def test_without_trio(daemon, child):
    told = forkctl(daemon, "dump", "-t", "10", child).stdout
    assert told.startswith("no trio.run\n\nThread ")


def test_on_hang(daemon):
    number = spawned(daemon, "hangs:spins_once_looked_at", "--on-hang", "2")
    record = json.loads(forkctl(daemon, "wait", "--json", number).stdout)
    assert record["hang"]["limit_ns"] == 2_000_000_000
    assert "spins_once_looked_at" in record["hang"]["trio"][0]["tree"]
    assert "spins_once_looked_at" in forkctl(daemon, "inspect", number).stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["dump"], "one id of a child is wanted"),
        (["dump", "x"], "one id of a child is wanted"),
        (["dump", "-t", "0", "1"], '"0" is no time in seconds above 0'),
        (["dump", "999999"], "no child 999999"),
        (["run", "--on-hang", "x", "-c", ""], '"x" is no time in seconds above 0'),
        (["run", "--on-hang", "0.001", "-c", ""], "must be at least 10000000"),
    ],
)
def test_refused(daemon, words, told):
    done = forkctl(daemon, *words)
    assert done.returncode == 125
    assert told in done.stderr
