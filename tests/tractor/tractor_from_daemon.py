"""A pytest plugin: the actors of tractor's own tests come from the daemon, and
so do those of the programs that these start."""

import os
import pathlib

import forkserverd.tractor

EVERYWHERE = pathlib.Path(__file__).resolve().parent / "everywhere"


def pytest_configure(config):
    forkserverd.tractor.install()
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(EVERYWHERE), *path])
