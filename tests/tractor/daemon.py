"""A daemon with a template of the tractor at TRACTOR_PATH."""

import contextlib
import os
import pathlib
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FORKSERVERD_BIN_DIR", TREE / "build/bin"))
OURS = [TREE / "client/python", TREE / "tests/tractor"]

CONFIG = """\
[server]
grace = 1.0

[template.tractor]
path = [{path}]
preload = ["tractor", "forkserverd.actor"]
prime = ["forkserverd.actor:prime"]
"""


def paths():
    """TRACTOR_PATH: where tractor is, and what it needs, as of PYTHONPATH."""
    given = os.environ.get("TRACTOR_PATH")
    return [*given.split(os.pathsep)] if given else []


def environment(socket, folder):
    """For programs with tractor; FOLDER gets the `python` that its tests call."""
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(sys.executable)
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([*map(str, OURS), *paths()]),
        "FORKSERVER_SOCKET": str(socket),
    }


def forkctl(socket, *words):
    command = [BIN / "forkctl", "--socket", socket, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def running(folder):
    """A daemon that is ready: its socket and its process."""
    socket, config = folder / "socket", folder / "config.toml"
    config.write_text(
        CONFIG.format(path=", ".join(f'"{p}"' for p in [*paths(), TREE / "client/python"]))
    )
    ready, end = os.pipe()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    daemon = subprocess.Popen(
        [BIN / "forkserverd", "--socket", socket, "--config", config]
        + ["--ready-fd", str(end), "--log-level", "warn"],
        pass_fds=[end],
        env=clean,
    )
    os.close(end)
    with open(ready) as pipe:
        pipe.readline()
    try:
        yield socket, daemon
    finally:
        daemon.terminate()
        daemon.wait()
