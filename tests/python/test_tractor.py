"""tractor's own actors, of the tractor at TRACTOR_PATH or an installed one.

What is only our backend's logic is in test_tractor_backend, with a stand-in.
"""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess

import forkserverd
import pexpect
import pytest
from conftest import FIXTURES, HERE, running
from like import PYTHON

TREE = HERE.parents[1]
OURS = str(TREE / "client/python")
GIVEN = [path for path in os.environ.get("TRACTOR_PATH", "").split(os.pathsep) if path]
THERE = GIVEN or importlib.util.find_spec("tractor") is not None

pytestmark = pytest.mark.skipif(
    not THERE, reason="cannot be run: no tractor is installed, and TRACTOR_PATH names none"
)


class Stage:
    """Where scenes of fixtures/actors.py are run."""

    def __init__(self, socket, folder):
        self.socket = socket
        path = os.pathsep.join([OURS, *GIVEN])
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            "PYTHONPATH": path,
            "FORKSERVER_SOCKET": str(socket),
            "XDG_RUNTIME_DIR": str(folder),  # tractor's sockets
        }

    def command(self, scene, *arguments):
        return [PYTHON, str(FIXTURES / "actors.py"), scene, *map(str, arguments)]

    def play(self, scene, *arguments):
        """What the scene printed."""
        done = subprocess.run(
            self.command(scene, *arguments), env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stand(self, depth, width):
        """A tree of actors that all stand: the program, and their parents' pids
        by theirs."""
        program = subprocess.Popen(
            self.command("stand", depth, width),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        count = sum(width**level for level in range(depth + 1))
        lines = [program.stdout.readline().split() for _ in range(count)]
        return program, {int(pid): int(parent) for _, pid, parent in lines}

    @contextlib.contextmanager
    def watch(self):
        with forkserverd.connect(self.socket) as client:
            yield client


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tractor")
    options = {
        "server.grace": 1.0,
        "template.tractor.path": ",".join([*GIVEN, OURS]),
    }
    settings = [f"--set={key}={value}" for key, value in options.items()]
    with running(folder, ["--config", TREE / "systemd/forkserverd.toml", *settings]) as socket:
        yield Stage(socket, folder)


@pytest.fixture(autouse=True)
def nothing_is_left(stage, deadline):
    yield
    with stage.watch() as client:
        client.call("wait", of="user")


def flat(tree):
    yield tree[0]
    for below in tree[1:]:
        yield from flat(below)


@pytest.mark.parametrize("transport", ["tcp", "uds"])
def test_a_tree(stage, transport):
    """All but the root are the daemon's, and known to it by who asked for whom."""
    tree = stage.play("tree", transport, 2)
    pids = list(flat(tree))
    assert len(set(pids)) == 7
    with stage.watch() as client:
        children = {c["pid"]: c for c in client.call("list", all=True)["children"]}
    ids = {pid: children[pid]["id"] for pid in pids[1:]}
    for middle in tree[1:]:
        assert "parent" not in children[middle[0]]
        for (leaf,) in middle[1:]:
            assert children[leaf]["parent"] == ids[middle[0]]


def test_what_an_actor_sees(stage, tmp_path):
    seen = stage.play("who", "{}", "{}")
    assert seen["cwd"] == os.getcwd()
    assert seen["title"].startswith("_subactor[doggy@")
    assert seen["comm"] == "_subactor[doggy"
    assert (seen["name"], seen["module"], seen["threads"]) == ("doggy", "__mp_main__", 1)
    kwargs = {"cwd": str(tmp_path), "env": {**stage.environment, "MARK": "env"}}
    seen = stage.play("who", "{}", json.dumps({"proc_kwargs": kwargs}))
    assert (seen["cwd"], seen["mark"]) == (str(tmp_path), "env")


def test_the_rehearsal(stage):
    """That of the template would be told among its warnings where it fails."""
    stage.play("who", "{}", "{}")
    with stage.watch() as client:
        templates = client.call("templates")["templates"]
    told = {t["name"]: t for t in templates}["tractor"]
    assert (told["state"], told["warnings"]) == ("ready", [])


def test_stdio(stage, tmp_path):
    said, out, err = (tmp_path / name for name in ("in", "out", "err"))
    said.write_text("heard")
    assert stage.play("stdio", said, out, err) == "heard"
    assert (out.read_text(), err.read_text()) == ("to stdout\n", "to stderr\n")


def test_log_levels(stage):
    """The actor's own, else the root's."""
    levels = [
        stage.play("who", json.dumps(root), json.dumps(options))["loglevel"].lower()
        for root, options in (
            ({"loglevel": "critical"}, {}),
            ({"loglevel": "critical"}, {"loglevel": "error"}),
        )
    ]
    assert levels == ["critical", "error"]


def test_asyncio(stage):
    assert stage.play("asyncio") == ["up", [42, "_UnixSelectorEventLoop"]]


def test_errors_are_relayed(stage):
    assert stage.play("raises") == ["ValueError", True]


def test_a_failure_at_boot(stage):
    kind, text, notes, _ = stage.play("boot", '{"loglevel": "nonsense"}', "false")
    assert kind == "ActorFailure"
    assert "actor doggy ended before it connected" in text
    assert "Unknown level: 'NONSENSE'" in text
    assert "in _actor_child_main" in notes[0]


@pytest.mark.parametrize("calls", ["true", "false"])
def test_a_failure_at_boot_once_it_has_connected(stage, calls):
    """The program's own module is imported then.  With tractor's own backend the
    caller waits for ever."""
    options = {"proc_kwargs": {"env": {**stage.environment, "BREAK": "1"}}}
    kind, text, notes, _ = stage.play("boot", json.dumps(options), calls)
    assert kind == "ActorFailure"
    assert text == "actor doggy failed at boot: RuntimeError: no actor of this program"
    assert "in load_modules" in notes[0]


def descendants(parents, pid):
    for below, parent in parents.items():
        if parent == pid:
            yield below
            yield from descendants(parents, below)


def test_below_a_killed_actor_nobody_is_left(stage):
    """Nor does it need tractor for that: the root is stopped meanwhile."""
    root, parents = stage.stand(3, 2)
    with stage.watch() as client:
        ids = {c["pid"]: c["id"] for c in client.call("list")["children"]}
        killed = next(pid for pid, parent in parents.items() if parent == root.pid)
        below = [ids[pid] for pid in descendants(parents, killed)]
        assert len(below) == 6
        root.send_signal(signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)
        client.call("wait", ids=[ids[killed], *below])
        others = [c["pid"] for c in client.call("list")["children"]]
        assert len(others) == 7
        assert not {killed, *descendants(parents, killed)} & set(others)
    root.kill()
    root.wait()


def test_below_a_killed_root_nobody_is_left(stage):
    root, parents = stage.stand(2, 3)
    assert len(parents) == 13
    root.kill()
    root.wait()
    with stage.watch() as client:
        client.call("wait", of="user")
    for pid in parents:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_cancelled_tree(stage):
    """Ctrl-C is the root's; tractor takes all others down."""
    root, parents = stage.stand(2, 3)
    root.send_signal(signal.SIGINT)
    root.wait()
    with stage.watch() as client:
        assert client.call("list")["children"] == []
        records = [
            c["record"] for c in client.call("list", all=True)["children"] if c["pid"] in parents
        ]
    assert len(records) == 12


def test_the_fallback(stage):
    parent, root, [why] = stage.play("fallback")
    assert parent == root
    assert why.startswith("tractor's own backend starts doggy: ")
    assert 'no template "none"' in why


def test_debugging(stage):
    """A prompt in an actor, at the terminal that the root has, whose Ctrl-C does
    not end it."""
    command = stage.command("debug")
    terminal = pexpect.spawn(
        command[0], command[1:], env={**stage.environment, "TERM": "dumb"}, encoding="utf-8"
    )
    terminal.expect_exact("(Pdb+)")
    terminal.sendline("p 'the value is', value * 6")
    terminal.expect_exact("('the value is', 42)")
    terminal.expect_exact("(Pdb+)")
    terminal.sendintr()
    terminal.sendline("p 'still', value")
    terminal.expect_exact("('still', 7)")
    terminal.expect_exact("(Pdb+)")
    terminal.sendline("c")
    terminal.expect_exact('["came", 7]')
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
