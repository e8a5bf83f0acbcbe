"""The modes of a template, promoted or not: what each gives and refuses."""

import importlib.util
import json
import pathlib
import shutil
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT, running
from like import PYTHON

WAYS = {
    "legacy": ("legacy", True),
    "isolated": ("isolated", True),
    "legacy_plain": ("legacy", False),
    "isolated_plain": ("isolated", False),
}
PROMOTED = ["legacy", "isolated"]
PLAIN = ["legacy_plain", "isolated_plain"]

CONFIG = "".join(
    f'[template.{name}]\nmode = "{mode}"\npromote = {json.dumps(promote)}\n'
    for name, (mode, promote) in WAYS.items()
)

TRIO = """
import trio, subprocess

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0)
        print(await trio.to_thread.run_sync(lambda: "thread"))
        done = await trio.run_process(["echo", "process"], capture_stdout=True)
        print(done.stdout.decode(), end="")

trio.run(main)
"""

# What an unpromoted child is refused.
MAIN_ONLY = {
    "signal": "import signal; signal.signal(signal.SIGUSR1, print)",
    "wakeup fd": "import signal; signal.set_wakeup_fd(-1)",
    "fork": "import os; os.fork() or os._exit(0)",
    "preexec_fn": "import subprocess; subprocess.run(['true'], preexec_fn=int)",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modes")
    config = folder / "config.toml"
    config.write_text(CONFIG)
    with running(folder, ["--config", config]) as socket:
        yield socket


def forkctl(socket, *words):
    return subprocess.run(
        [BIN / "forkctl", "--socket", socket, *words],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run(socket, name, code):
    return forkctl(socket, "run", "-t", name, "-c", code)


def remedy(name, module=False):
    text = f'template "{name}" is unpromoted: promote = true'
    if module and WAYS[name][0] == "isolated":
        text += ' or mode = "legacy"'
    return text + " would do"


@pytest.mark.parametrize("name", WAYS)
def test_trio_runs(daemon, name):
    done = run(daemon, name, TRIO)
    assert (done.stdout, done.stderr) == ("thread\nprocess\n", "")


@pytest.mark.parametrize("name", WAYS)
def test_its_configuration(daemon, name):
    """A promoted one tells that of a main interpreter, whatever its mode."""
    code = """
import _interpreters
config = _interpreters.get_config(_interpreters.get_current()[0])
print(config.gil, config.allow_fork, config.allow_daemon_threads, config.allow_exec)
"""
    mode, promote = WAYS[name]
    gil = "own" if promote or mode == "isolated" else "shared"
    assert run(daemon, name, code).stdout == f"{gil} {promote} True True\n"


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("thing", MAIN_ONLY)
def test_what_is_the_main_interpreters(daemon, name, thing):
    done = run(daemon, name, MAIN_ONLY[thing])
    if name in PROMOTED:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == remedy(name)


@pytest.mark.parametrize("name", WAYS)
def test_a_module_for_one_interpreter(daemon, name):
    """readline is one of Python's own that no other interpreter may load."""
    done = run(daemon, name, "import readline")
    if name == "isolated_plain":
        assert done.stderr.splitlines()[-1] == remedy(name, module=True)
    else:
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PROMOTED)
def test_nothing_is_added_to_a_promoted_childs_errors(daemon, name):
    code = "raise ValueError('signal only works in main thread of the main interpreter')"
    done = run(daemon, name, code)
    assert done.stderr.splitlines()[-1].startswith("ValueError: ")


def test_an_import_before_the_start_says_it_too(daemon, tmp_path):
    """Where it is the import of what is to run that is refused."""
    (tmp_path / "wants.py").write_text("import readline\ndef main(): pass\n")
    done = subprocess.run(
        [BIN / "forkctl", "--socket", daemon, "run", "-t", "isolated_plain", "wants:main"],
        env=ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == remedy("isolated_plain", module=True)


def test_behind_and_within_other_errors(daemon):
    code = """
import signal
try:
    try:
        signal.signal(signal.SIGUSR1, print)
    except ValueError as exc:
        raise LookupError("outer") from exc
except LookupError as exc:
    raise ExceptionGroup("group", [exc])
"""
    assert remedy("legacy_plain") in run(daemon, "legacy_plain", code).stderr


def test_templates_tell(daemon):
    told = json.loads(forkctl(daemon, "--json", "templates").stdout)["templates"]
    told = {t["name"]: t for t in told}
    for name, (mode, promote) in WAYS.items():
        assert told[name]["mode"] == mode
        assert told[name]["way"] == ("promoted" if promote else "unpromoted")
        assert told[name].get("reason") == (None if promote else "promote is false")


@pytest.mark.parametrize("value", ["strict", "own", ""])
def test_an_unknown_mode_is_refused(tmp_path, value):
    config = tmp_path / "config.toml"
    config.write_text(f'[template.x]\nmode = "{value}"\n')
    done = subprocess.run(
        [BIN / "forkserverd", "--check-config", "--config", config],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert 'template.x.mode: expected one of "legacy" "isolated"' in done.stderr


@pytest.mark.parametrize("place", ["site-packages", "path"])
def test_an_unpromoted_preload_is_first_initialised_elsewhere(tmp_path, place):
    """In the main interpreter, which finds what msgspec imports there."""
    config = tmp_path / "config.toml"
    lines = ["[template.default]", "promote = false", 'preload = ["msgspec"]']
    if place == "path":
        venv = tmp_path / "venv"
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", venv], check=True)
        found = pathlib.Path(importlib.util.find_spec("msgspec").origin).parent
        shutil.copytree(found, tmp_path / "path" / "msgspec")
        lines += [f'venv = "{venv}"', f'path = ["{tmp_path / "path"}"]']
    config.write_text("\n".join(lines))
    with running(tmp_path, ["--config", config]) as socket:
        code = "import msgspec; print(msgspec.json.encode([1]), msgspec.__path__)"
        done = forkctl(socket, "run", "-c", code)
        assert (done.returncode, done.stdout[:6]) == (0, "b'[1]'"), done.stderr
        assert (str(tmp_path) in done.stdout) == (place == "path")
