"""Packages that people have: preloaded, adopted, used, forked from, used again.

`make compat` tries more of them, in each mode; see tests/compat.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from conftest import BIN, ENVIRONMENT, running

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compat"))
from packages import PACKAGES, program  # noqa: E402

TRIED = [p for p in PACKAGES if p.ci]
MODES = ["legacy", "isolated"]
LIMIT = 120


def template(package, mode):
    return f"t{PACKAGES.index(package)}_{mode}"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    config = folder / "config.toml"
    config.write_text(
        "".join(
            f'[template.{template(p, mode)}]\nmode = "{mode}"\nstart = "demand"\n'
            f"preload = {json.dumps(['trio', *p.modules])}\n"
            for p in TRIED
            for mode in MODES
        )
    )
    with running(folder, ["--config", config]) as socket:
        yield socket


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("package", TRIED, ids=lambda p: p.name)
def test_package(daemon, package, mode):
    run = subprocess.run(
        [BIN / "forkctl", "--socket", daemon, "run", "-t", template(package, mode)]
        + ["-c", program(package, fork=True)],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (run.stdout, run.stderr) == ("used\nforked and used\n", "")
    assert run.returncode == 0


def test_openblas_survives(tmp_path):
    """Its threads are there in the zygote, and children compute with their own."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[template.default]\npreload = ["numpy"]\nenv = { OPENBLAS_NUM_THREADS = "2" }\n'
    )
    code = """
import numpy, os
a = numpy.random.default_rng(1).random((800, 800))
before = len(os.listdir("/proc/self/task"))
assert numpy.allclose(numpy.linalg.inv(a) @ a, numpy.eye(800), atol=1e-6)
print(before, len(os.listdir("/proc/self/task")))
"""
    with running(tmp_path, ["--config", config]) as socket:

        def forkctl(*words):
            command = [BIN / "forkctl", "--socket", socket, *words]
            return subprocess.run(
                command, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT
            )

        (told,) = json.loads(forkctl("--json", "templates").stdout)["templates"]
        assert told["state"] == "ready"
        # It has a thread for each processor, less the caller's own.
        assert len(told["warnings"]) == min(2, os.cpu_count()) - 1
        for warning in told["warnings"]:
            assert "leaves a thread of libopenblas" in warning
        used = forkctl("run", "-c", code)
        assert used.stdout == f"1 {1 + len(told['warnings'])}\n", used.stderr
