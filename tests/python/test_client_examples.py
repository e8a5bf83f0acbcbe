"""The Python client's examples do what they say."""

import os
import subprocess
import sys

import pytest
from conftest import ENVIRONMENT, HERE
from like import PYTHON

EXAMPLES = HERE.parents[1] / "client/python/examples"
SAYS = {
    "nursery.py": [
        "the ticker is at work",
        "primes below 40,000: 4203",
        "a worker failed: child ",
        "the ticker was cancelled",
    ],
    "executor.py": [
        "with futures: [0, 1, 4, 9, 16]",
        "under asyncio: [0, 1, 4, 9, 16]",
        "a call that took too long was cancelled",
    ],
}


@pytest.mark.parametrize("name", SAYS)
def test_example(plain_daemon, deadline, name):
    path = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run(
        [PYTHON, EXAMPLES / name],
        env={**ENVIRONMENT, "PYTHONPATH": path, "FORKSERVER_SOCKET": str(plain_daemon)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for text in SAYS[name]:
        assert text in done.stdout
