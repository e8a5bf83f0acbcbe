"""A daemon for each module of tests, and what to find it by."""

import contextlib
import faulthandler
import functools
import inspect
import os
import pathlib
import signal
import subprocess

import pytest

pytest.register_assert_rewrite("like")

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["FORKSERVERD_BIN_DIR"])
FIXTURES = HERE.parent / "fixtures"

# PYTHON* variables come too late for a child (README): not in its parent's.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

# Every other test is to know how its children start. With FORKSERVERD_STANDBYS
# set all of them may start from standbys, too.
STANDBYS = [] if "FORKSERVERD_STANDBYS" in os.environ else ["--set", "server.max_standbys=0"]

# `nohup make check` has it ignored, which every process here would inherit.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

CONFIG = f"""\
[template.default]
path = ["{FIXTURES}"]
preload = ["trio", "jobs"]
"""


def start(folder, options, program=BIN / "forkserverd", stderr=None):
    """A daemon that is ready, at the socket of that name in FOLDER."""
    ready, ready_end = os.pipe()
    process = subprocess.Popen(
        [program, "--socket", folder / "socket", "--log-level", "warn"]
        + ["--ready-fd", str(ready_end), *STANDBYS, *options],
        pass_fds=[ready_end],
        env=ENVIRONMENT,
        stderr=stderr,
    )
    os.close(ready_end)
    with open(ready) as pipe:
        assert pipe.readline() == "\n"
    return process


@contextlib.contextmanager
def running(folder, options, **settings):
    """The socket of a daemon that is ready; it must end well."""
    process = start(folder, options, **settings)
    yield folder / "socket"
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """The socket of a daemon whose template has tests/fixtures/jobs.py."""
    folder = tmp_path_factory.mktemp("daemon")
    config = folder / "config.toml"
    config.write_text(CONFIG)
    with running(folder, ["--config", config]) as socket:
        yield socket


@pytest.fixture(scope="module")
def plain_daemon(tmp_path_factory):
    """The socket of a daemon that is as it comes."""
    with running(tmp_path_factory.mktemp("plain"), []) as socket:
        yield socket


MODES = ["default", "isolated"]  # names of templates, both promoted


@pytest.fixture(scope="session")
def modes_daemon(tmp_path_factory):
    """The socket of a daemon as it comes, with an isolated template beside."""
    folder = tmp_path_factory.mktemp("modes")
    with running(folder, ["--set", "template.isolated.mode=isolated"]) as socket:
        yield socket


LIMIT = 60  # seconds for one test that has a deadline

uncaptured = None  # the stderr that pytest itself has


def pytest_configure(config):
    global uncaptured
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        uncaptured = os.dup(2)


@pytest.fixture
def deadline():
    """When it strikes, all stacks are dumped and the run ends."""
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=uncaptured)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that is a coroutine function runs under trio, with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    import trio

    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=uncaptured)
    try:
        trio.run(functools.partial(pyfuncitem.obj, **arguments))
    finally:
        faulthandler.cancel_dump_traceback_later()
    return True
