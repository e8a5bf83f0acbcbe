"""What the Python client makes of a function, its arguments and options."""

import functools
import math
import os
import subprocess
import sys

import forkserverd
import msgpack
import pytest
from conftest import ENVIRONMENT, FIXTURES, HERE
from forkserverd.entry import job, reference
from forkserverd.options import Options
from forkserverd.values import BYTES, DEPTH, ITEMS, check
from like import PYTHON

pytestmark = pytest.mark.usefixtures("deadline")


class Holder:
    def method(self):
        pass

    @classmethod
    def of_class(cls):
        pass

    @staticmethod
    def static():
        pass


class Heir(Holder):
    pass


def plain():
    pass


renamed = functools.wraps(plain)(lambda: None)


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


def test_functions_have_names():
    assert reference(plain) == f"{__name__}:plain"
    assert reference(Holder.of_class) == f"{__name__}:Holder.of_class"
    assert reference(Heir.of_class) == f"{__name__}:Heir.of_class"
    assert reference(Holder.static) == f"{__name__}:Holder.static"
    assert reference(Holder) == f"{__name__}:Holder"
    assert reference(math.sqrt) == "math:sqrt"
    assert reference(os.path.basename) == "posixpath:basename"


def test_functions_without():
    def local():
        pass

    for function, text in (
        (lambda: None, "is a lambda, which another process cannot find"),
        (local, "is local to a function"),
        (Holder().method, "is not what"),
        (renamed, "is not what"),
        (7, "is no function"),
        (Holder(), "is no function"),
        (None, "is no function"),
    ):
        with pytest.raises((ValueError, TypeError), match=text):
            reference(function)


def test_jobs():
    partial = functools.partial(functools.partial(math.pow, 2), y=3)
    assert job(partial, (4,), {"z": 5}).params == {
        "call": "math:pow",
        "args": [2, 4],
        "kwargs": {"y": 3, "z": 5},
    }
    script = job(forkserverd.Script("a/b.py"), ["x", b"\xff", FIXTURES], {})
    assert script.params == {"script": b"a/b.py", "argv": [b"x", b"\xff", bytes(FIXTURES)]}
    assert job(forkserverd.Module("json.tool"), [], {}).params == {
        "module": "json.tool",
        "argv": [],
    }
    with pytest.raises(TypeError, match="no keyword arguments: x"):
        job(forkserverd.Code("pass"), [], {"x": 1})
    for text in ("main", "a b:c", ":main", "mod:", "a:b:c", ""):
        with pytest.raises(ValueError, match="names no function"):
            job(text, [], {})


def test_where_a_child_finds_it(monkeypatch, tmp_path):
    ours = [str(HERE.parents[1] / "client/python")]  # where it is no installed one
    assert job(plain, [], {}).path == [str(HERE), *ours]
    assert job("math:sqrt", [], {}).path == ours
    assert job("json.decoder:JSONDecoder", [], {}).path == ours
    assert job("trio:run", [], {}).path == ours
    assert job("not_there:main", [], {}).path == ours
    package = tmp_path / "own/pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(package.parent)
    assert job("pkg.sub:main", [], {}).path == [str(package.parent), *ours]


RIGHT = [None, True, -(1 << 63), (1 << 64) - 1, 0.5, "\u00e9", b"\xff", bytearray(b"x"), (1, [2]), {1: {}}]


def test_values():
    for value in RIGHT:
        check("args", value)
        msgpack.packb(value)
    check("args", nested(DEPTH))
    for value, kind, text in (
        ([1, {"a": [set()]}], TypeError, r"^args\[1\]\['a'\]\[0\]: set cannot be sent"),
        ([1 << 64], ValueError, r"^args\[0\]: an int of more than 64 bits"),
        ({"a": -(1 << 63) - 1}, ValueError, r"^args\['a'\]: an int"),
        ({(1, object()): 1}, TypeError, "object cannot be sent"),
        (nested(DEPTH + 1), ValueError, "nested more than"),
        ([0] * ITEMS, ValueError, "more than 1,000,000 values"),
        (b"x" * (BYTES + 1), ValueError, "more than 15 MiB"),
    ):
        with pytest.raises(kind, match=text):
            check("args", value)


def test_options():
    params = Options().params(job("a:b", [], {}))
    assert params["cwd"] == os.getcwdb()
    assert params["env"] == dict(os.environb)
    assert params["pidfd"] is True
    assert "env" not in Options(env="template").params(job("a:b", [], {}))
    params = Options(
        env={"A": b"\xff"}, path=["x"], grace=0.5, timeout=2, umask=0o22, title="t", pidfd=False
    ).params(job("a:b", [], {}))
    assert params == {
        "call": "a:b",
        "cwd": os.getcwdb(),
        "env": {b"A": b"\xff"},
        "path": [os.path.join(os.getcwdb(), b"x")],
        "grace_ns": 500_000_000,
        "timeout_ns": 2_000_000_000,
        "umask": 0o22,
        "title": "t",
    }
    params = Options(
        rlimits={"core": 0, "nofile": (64, -1), "as": "infinity"}, cpus=[0, 3], nice=5, memory_max="64M", pids_max=7
    ).params(job("a:b", [], {}))
    assert params["rlimits"] == {"core": 0, "nofile": [64, "infinity"], "as": "infinity"}
    assert params["cpus"] == "0,3" and params["nice"] == 5
    assert params["memory_max"] == "64M" and params["pids_max"] == 7
    assert "oom_score_adj" not in params and "cpu_weight" not in params
    for wrong, text in (
        ({"grace": -1}, "grace: -1"),
        ({"timeout": math.inf}, "timeout: inf"),
        ({"start_timeout": math.nan}, "start_timeout: nan"),
        ({"env": "callers"}, "env: 'callers'"),
    ):
        with pytest.raises(ValueError, match=text):
            Options(**wrong).params(job("a:b", [], {}))
    with pytest.raises(TypeError, match="colour"):
        Options(colour="red")


PROGRAM = """
import sys, forkserverd
def work(x):
    return [x, __name__]
if __name__ == "__main__":
    with forkserverd.connect(sys.argv[1]) as client:
        print(client.run(work, 1))
"""


def run(words, folder):
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        [PYTHON, *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_a_path_of_ones_own(plain_daemon, tmp_path):
    (tmp_path / "far.py").write_text("def name():\n    return __name__\n")
    with forkserverd.connect(plain_daemon, path=[tmp_path]) as client:
        assert client.run("far:name") == "far"
    with forkserverd.Executor(socket=plain_daemon, path=[tmp_path]) as executor:
        assert executor.submit("far:name").result() == "far"


def test_functions_of_the_program_itself(plain_daemon, tmp_path):
    """A child imports it by the name of its file, or what -m was given."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "prog.py").write_text(PROGRAM)
    (tmp_path / "pkg/prog.py").write_text(PROGRAM)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run([tmp_path / "prog.py", plain_daemon], elsewhere)
    assert (done.stdout, done.stderr) == ("[1, 'prog']\n", "")
    done = run(["-m", "pkg.prog", plain_daemon], tmp_path)
    assert (done.stdout, done.stderr) == ("[1, 'pkg.prog']\n", "")
    done = run(["-c", PROGRAM, plain_daemon], tmp_path)
    assert "ValueError: __main__:work is of a program that no other process" in done.stderr
    (tmp_path / "not-a-name.py").write_text(PROGRAM)
    done = run(["not-a-name.py", plain_daemon], tmp_path)
    assert "ValueError: __main__:work is of a program that no other process" in done.stderr
