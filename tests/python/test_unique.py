"""What must not be the same in two children of one template."""

import json
import subprocess
import time

import pytest
from conftest import BIN, ENVIRONMENT, MODES, running

SOURCES = {
    "random": "random.random()",
    "random.SystemRandom": "random.SystemRandom().random()",
    "trio": "trio._core._run._r.random()",
    "uuid1": "str(uuid.uuid1())",
    "uuid4": "str(uuid.uuid4())",
    "uuid7": "str(uuid.uuid7())",
    "secrets": "secrets.token_hex(8)",
    "os.urandom": "os.urandom(8).hex()",
    "tempfile": "tempfile.mktemp()",
    "numpy.random": "float(numpy.random.random())",
    "numpy.random.default_rng": "float(numpy.random.default_rng().random())",
    "multiprocessing's authkey": "multiprocessing.current_process().authkey.hex()",
    "email's boundary": "email.generator._make_boundary()",
}

# Twice: in the child, and in one that it forks.
PROGRAM = f"""
import email.generator, json, multiprocessing, numpy, os, random, secrets, sys, tempfile, trio, uuid

def sample():
    print(json.dumps({{ {", ".join(f"{k!r}: {v}" for k, v in SOURCES.items())} }}), flush=True)

if os.fork() == 0:
    sample()
    os._exit(0)
os.wait()
sample()
"""

PRELOADS = """["trio", "random", "uuid", "secrets", "tempfile", "numpy.random", "multiprocessing", "email.generator"]"""


STARTS = ["warm", "standby"]


def standbys(socket, mode):
    command = [BIN / "forkctl", "--socket", socket, "--json", "templates"]
    told = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True, timeout=60)
    (found,) = (t for t in json.loads(told.stdout)["templates"] if t["name"] == mode)
    return found["standby"]


def wait_ready(socket, mode, count):
    deadline = time.monotonic() + 60
    while standbys(socket, mode)["ready"] < count:
        assert time.monotonic() < deadline


@pytest.fixture(scope="module", params=STARTS)
def samples(request, tmp_path_factory):
    """Of each mode: of two children and their grandchildren.  Both were standbys,
    or neither."""
    number = 8 if request.param == "standby" else 0
    folder = tmp_path_factory.mktemp("unique")
    config = folder / "config.toml"
    config.write_text(
        f'[template.default]\npreload = {PRELOADS}\n'
        f'[template.isolated]\nmode = "isolated"\npreload = {PRELOADS}\n'
    )
    options = ["--config", config, "--set", f"server.max_standbys={number}"]
    with running(folder, options) as socket:

        def run(mode):
            taken = standbys(socket, mode)["taken"]
            if number:
                wait_ready(socket, mode, 1)
            command = [BIN / "forkctl", "--socket", socket, "run", "-t", mode, "-c", PROGRAM]
            done = subprocess.run(
                command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            assert standbys(socket, mode)["taken"] == taken + bool(number)
            return [json.loads(line) for line in done.stdout.splitlines()]

        yield {mode: (run(mode), run(mode)) for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", SOURCES)
def test_siblings_differ(samples, source, mode):
    (_, one), (_, other) = samples[mode]
    assert one[source] != other[source]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", ["random", "uuid1", "uuid4", "secrets", "tempfile"])
def test_grandchildren_differ(samples, source, mode):
    """As under python3.14, whose fork hooks see to these."""
    told = [lines[source] for run in samples[mode] for lines in run]
    assert len(set(told)) == 4


@pytest.mark.parametrize("mode", MODES)
def test_a_seed_of_the_programs_own_holds(samples, plain_daemon, mode):
    code = "import random; random.seed(7); print(random.random())"
    command = [BIN / "forkctl", "--socket", plain_daemon, "run", "-c", code]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "0.32383276483316237\n"
