"""What of a template is immortal, and that what has an end that shows is not."""

import json
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT, MODES, running

MODULE = """
import enum, math, weakref

ended = []

class Ends:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        ended.append(self.name)
    def method(self):
        pass

def keeps(kept):
    return lambda: kept

def function(a=(1, (2.5, b"three"))):
    return [lambda: function, {"a": 1}, frozenset({2})]

def watched():
    pass

def constant():
    return [lambda: "not a name"]

constant()[0]()

class Kind(enum.Enum):
    ONE = 1

def default(a=Kind.ONE, b=Ends("default")):
    pass

nested = ()
for _ in range(100_000):
    nested = (nested,)

watch = weakref.ref(watched, lambda _: ended.append("watched"))
instance = Ends("instance")
closure = keeps(Ends("closure"))
in_tuple = (Ends("in_tuple"), 1)
in_frozenset = frozenset([Ends("in_frozenset")])
bound = Ends("bound").method
appends = [].append
"""

IMMORTAL = ["Ends", "Ends.method", "keeps", "function", "function.__code__"]
IMMORTAL += ["function.__code__.co_consts", "function.__defaults__", "Ends.__mro__"]
IMMORTAL += [
    "function.__code__.co_names",
    "function.__defaults__[0][1][1]",
    "math.sqrt",
    "constant()[0].__code__.co_consts[0]",
    "Kind.ONE",
]
MORTAL = ["ended", "instance", "closure", "in_tuple", "in_frozenset", "bound"]
MORTAL += ["watched", "watch", "appends", "default", "math"]
ENDS = ["instance", "closure", "in_tuple", "in_frozenset", "bound", "watched"]
ENDS += ["default"]

PROGRAM = f"""
import gc, json, sys, ends
immortal = {{n: sys._is_immortal(eval(n, vars(ends))) for n in {IMMORTAL + MORTAL}}}
order = {ENDS}
for name in order:
    delattr(ends, name)
seen = ends.ended[:]
gc.unfreeze()
print(json.dumps([immortal, seen, gc.is_tracked(ends.keeps), gc.collect() >= 0, gc.is_tracked(ends.math), ends.function()[0]().__name__]))
"""


@pytest.fixture(scope="module")
def socket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("immortal")
    (folder / "ends.py").write_text(MODULE)
    config = folder / "config.toml"
    config.write_text(
        "".join(
            f'[template.{mode}]\npath = ["{folder}"]\npreload = ["trio", "ends"]\n'
            for mode in MODES
        )
        + 'mode = "isolated"\n'
    )
    with running(folder, ["--config", config]) as socket:
        yield socket


@pytest.mark.parametrize("mode", MODES)
def test_what_has_an_end_ends(socket, mode):
    command = [BIN / "forkctl", "--socket", socket, "run", "--template", mode]
    ran = subprocess.run(
        [*command, "-c", PROGRAM],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == "" and ran.returncode == 0
    immortal, seen, *rest = json.loads(ran.stdout)
    assert immortal == {**dict.fromkeys(IMMORTAL, True), **dict.fromkeys(MORTAL, False)}
    assert seen == ENDS
    assert rest == [True, True, True, "function"]


COUNT = """
import sys, ends
made = ends.constant()[0]
counted = made.__code__, made.__code__.co_consts[0]
before = [sys.getrefcount(one) for one in counted]
kept = [ends.constant()[0]() for _ in range(1000)]
del kept
print([sys.getrefcount(one) for one in counted] == before)
"""


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_that_is_used_is_not_counted(socket, mode):
    """Else the count of one that is used for long enough would overflow."""
    command = [BIN / "forkctl", "--socket", socket, "run", "--template", mode]
    ran = subprocess.run(
        [*command, "-c", COUNT],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stderr, ran.stdout) == ("", "True\n")
