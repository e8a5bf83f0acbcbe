"""Each limit of the service: reached, told, and no more when it is given back;
and how others fare meanwhile."""

import json
import subprocess

import pytest
from conftest import HERE, LIMIT

HOLDER = "/srv/limits/holder.py"
FEW = {"clients": 6, "children": 4, "starting": 2, "requests": 6}

SERVER = """
[server]
allow_groups = ["forkserverd"]
{}
[template.default]
user = "games"
[template.own]
user = "peer"
[template.never]
user = "games"
start = "demand"
path = ["/srv/limits"]
preload = ["never"]
"""

# What each setting limits.
LIMITS = {
    "few of each user": {f"user_{what}": n for what, n in FEW.items()} | {"user_buffered": 65536},
    "few of all": {f"max_{what}": n for what, n in FEW.items()},
    "rate of each user": {"user_spawn_rate": 1},
    "rate of all": {"max_spawn_rate": 1},
    "bytes of all": {"max_buffered": 1 << 20},
    "none": {"max_standbys": 0},
}


@pytest.fixture(scope="module")
def prepared(machine):
    """alice and bob may use the service, whose configuration is put back."""
    config = machine.root / "etc/forkserverd.toml"
    before = config.read_text() if config.exists() else None
    for name in ("alice", "bob"):
        machine.add_user(name)
        machine.run("systemd-sysusers", "--inline", f"m {name} forkserverd")
    machine.write("/srv/limits/never.py", "import signal\n\nwhile True:\n    signal.pause()\n")
    machine.write(HOLDER, (HERE / "holder.py").read_text())
    yield machine
    machine.run("rm", "-r", "/srv/limits")
    if before is None:
        config.unlink()
    else:
        config.write_text(before)
    machine.run("systemctl", "restart", "forkserverd.service")


@pytest.fixture(scope="module")
def limited(prepared):
    """Has the service restarted where it has other limits than those."""
    now = None

    def limited(name):
        nonlocal now
        if name == now:
            return
        keys = "".join(f"{key} = {n}\n" for key, n in LIMITS[name].items())
        prepared.write("/etc/forkserverd.toml", SERVER.format(keys))
        prepared.run("systemctl", "restart", "forkserverd.service")
        now = name

    return limited


class Holder:
    """alice's, who has all of WHAT as long as the block lasts."""

    def __init__(self, machine, what, limit, template="default"):
        self.started = machine.started(
            "python3",
            HOLDER,
            what,
            str(limit),
            template,
            user="alice",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self):
        self.process = self.started.__enter__()
        self.error = json.loads(self.process.stdout.readline())
        return self

    def recovers(self):
        """It gives back, and is served."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "served\n"

    def __exit__(self, *exc):
        return self.started.__exit__(*exc)


def served(machine, name, template="default"):
    code = "print('served')"
    return machine.attempt("forkctl", "run", "-t", template, "-c", code, user=name)


CASES = [
    *(("few of each user", what, n) for what, n in FEW.items()),
    ("few of each user", "bytes", 65536),
    *(("few of all", what, n) for what, n in FEW.items()),
    ("rate of each user", "spawns", 1),
    ("rate of all", "spawns", 1),
]


@pytest.mark.parametrize("setting, what, n", CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_limit(prepared, limited, setting, what, n):
    limited(setting)
    daemon = prepared.property("MainPID")
    own = setting.endswith("user")
    with Holder(prepared, what, n) as holder:
        assert holder.error["code"] == ("limit" if own else "busy")
        assert holder.error["resource"] == what
        assert holder.error["retry_ns"] > 0
        if own:
            # It waits for itself alone.
            assert served(prepared, "bob").stdout == "served\n"
            assert f"uid {prepared.run('id', '-u', 'alice').strip()}: " in holder.error["message"]
        elif what != "spawns":
            # Of what all have together nothing is left, and bob is told.
            done = served(prepared, "bob")
            assert done.returncode == 125 and "no more are allowed" in done.stderr, done
        holder.recovers()
        assert own or what == "spawns" or served(prepared, "bob").stdout == "served\n"
    assert prepared.property("MainPID") == daemon


def test_bytes_of_all(prepared, limited):
    """Who buffers most loses that connection, and nobody else anything."""
    limited("bytes of all")
    daemon = prepared.property("MainPID")
    lines = ("forkctl", "run", "-c", "input(); print('kept')")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with prepared.started(*lines, user="bob", **pipes) as bob:
        # His connection is there.
        while not prepared.ask("ps")["children"]:
            assert bob.poll() is None
        with Holder(prepared, "buffered", 1 << 20) as holder:
            assert holder.error["sent"] > 0
            assert served(prepared, "bob").stdout == "served\n"
            holder.recovers()
        bob.stdin.write("\n")
        bob.stdin.flush()
        assert bob.stdout.readline() == "kept\n"
        assert bob.wait(LIMIT) == 0
    dropped = [e["MESSAGE"] for e in prepared.journal() if e.get("FORKSERVERD_OP") == "drop"]
    assert "bytes are buffered, no more are allowed" in dropped[-1]
    assert prepared.property("MainPID") == daemon


@pytest.fixture(params=["LimitNPROC", "TasksMax"])
def key(prepared, request):
    """What of the unit has fork fail: for its templates' user, and for all."""
    if request.param == "TasksMax":
        offered = (prepared.root / "sys/fs/cgroup/cgroup.controllers").read_text().split()
        if "pids" not in offered:
            pytest.skip("cannot limit a unit's tasks: its control groups have no pids controller")
    return request.param


def test_no_more_processes(prepared, limited, key, setting):
    limited("none")
    setting(f"[Service]\n{key}=24\n")
    daemon = prepared.property("MainPID")
    with Holder(prepared, "processes", 100) as holder:
        assert (holder.error["code"], holder.error["resource"]) == ("busy", "processes")
        assert holder.error["retry_ns"] > 0
        holder.recovers()
    assert prepared.property("MainPID") == daemon


def test_no_more_processes_of_one_user(prepared, limited, setting):
    """A template that is everybody's own: the kernel counts by uid."""
    limited("none")
    setting("[Service]\nLimitNPROC=24\n")
    daemon = prepared.property("MainPID")
    with Holder(prepared, "processes", 100, "own") as holder:
        assert (holder.error["code"], holder.error["resource"]) == ("busy", "processes")
        assert served(prepared, "alice", "own").returncode == 125
        assert served(prepared, "bob", "own").stdout == "served\n"
        holder.recovers()
    assert prepared.property("MainPID") == daemon
