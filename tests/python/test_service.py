"""The daemon as a service: its socket from outside, readiness, its own socket."""

import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import BIN, ENVIRONMENT

LIMIT = 30  # seconds
FORKSERVERD = str(BIN / "forkserverd")


def ping(path):
    done = subprocess.run(
        [BIN / "forkctl", "--socket", path, "ping"], capture_output=True, text=True
    )
    return done.returncode, done.stderr


@pytest.fixture
def start(tmp_path):
    """Starts a daemon; it is ended at the test's end if it has not."""
    started = []

    def start(*options, env=(), **popen):
        process = subprocess.Popen(
            [FORKSERVERD, "--log-level", "warn", *options],
            env={**ENVIRONMENT, **dict(env)},
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture
def notifications(tmp_path):
    """systemd's end of sd_notify."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(tmp_path / "notify"))
    receiver.settimeout(LIMIT)
    with receiver:
        yield receiver


def next_with(receiver, word):
    while True:
        lines = receiver.recv(4096).decode().split("\n")
        if word in lines:
            return lines


def test_tells_systemd_when_it_is_ready_and_when_it_stops(
    start, tmp_path, notifications
):
    path = tmp_path / "socket"
    process = start(
        "--socket", path, env={"NOTIFY_SOCKET": notifications.getsockname()}
    )
    next_with(notifications, "READY=1")
    assert ping(path) == (0, "")
    process.send_signal(signal.SIGTERM)
    next_with(notifications, "STOPPING=1")
    assert process.wait(LIMIT) == 0
    assert not path.exists()


def test_serves_on_the_socket_that_systemd_passes(tmp_path, notifications):
    path = tmp_path / "passed"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    # LISTEN_PID is the daemon's own: a shell fills it in.
    process = subprocess.Popen(
        ["sh", "-c", 'LISTEN_PID=$$ exec "$0" --log-level warn', FORKSERVERD],
        env={
            **ENVIRONMENT,
            "LISTEN_FDS": "1",
            "NOTIFY_SOCKET": notifications.getsockname(),
        },
        pass_fds=[3],
        preexec_fn=lambda: os.dup2(listener.fileno(), 3),
    )
    try:
        next_with(notifications, "READY=1")
        assert ping(path) == (0, "")
    finally:
        process.terminate()
        assert process.wait(LIMIT) == 0
    # It is systemd's: it stays, and so does what waits on it.
    assert path.exists()
    listener.close()


def ready(start, *options, **more):
    read, write = os.pipe()
    process = start("--ready-fd", str(write), *options, pass_fds=[write], **more)
    os.close(write)
    with open(read) as pipe:
        assert pipe.readline() == "\n"
    return process


def test_a_live_daemons_socket_is_not_taken(start, tmp_path):
    path = tmp_path / "socket"
    ready(start, "--socket", path)
    second = start("--socket", path)
    assert second.wait(LIMIT) == 1
    assert str(path) in second.stderr.read()
    assert ping(path) == (0, "")


def test_a_dead_daemons_socket_is_replaced(start, tmp_path):
    path = tmp_path / "socket"
    first = ready(start, "--socket", path)
    first.kill()
    first.wait()
    assert path.exists()
    ready(start, "--socket", path)
    assert ping(path) == (0, "")


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(3600)
"""


def test_the_second_signal_does_not_wait(start, tmp_path):
    path = tmp_path / "socket"
    process = ready(start, "--socket", path, "--set", "server.grace=3600")
    stubborn = subprocess.Popen(
        [BIN / "forkctl", "--socket", path, "run", "-c"]
        + [STUBBORN],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert stubborn.stdout.readline() == b"up\n"
    process.terminate()
    until = time.monotonic() + LIMIT
    while ping(path)[0] == 0:  # a ping may still overtake the signal
        assert time.monotonic() < until
    process.terminate()
    process.wait(LIMIT)
    assert stubborn.wait(LIMIT) == 125
    stubborn.stdout.close()


@pytest.mark.parametrize(
    "file, environment, options, told",
    [
        ("[server]\ngrace = 1.0", {}, [], "grace = 1.0"),
        ("[server]\ngrace = 1.0", {"FORKSERVERD_SERVER_GRACE": "2"}, [], "grace = 2.0"),
        (
            "[server]\ngrace = 1.0",
            {"FORKSERVERD_SERVER_GRACE": "2"},
            ["--set", "server.grace=3"],
            "grace = 3.0",
        ),
        ("", {"FORKSERVERD_TEMPLATE_DEFAULT_PRELOAD": "a,b"}, [], 'preload = ["a", "b"]'),
    ],
)
def test_configuration_precedence(tmp_path, file, environment, options, told):
    config = tmp_path / "config.toml"
    config.write_text(file)
    done = subprocess.run(
        [FORKSERVERD, "--check-config", "--config", config, *options],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert told in done.stdout.split("\n")
    # What it prints is a configuration, and the same one.
    config.write_text(done.stdout)
    again = subprocess.run(
        [FORKSERVERD, "--check-config", "--config", config],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert again.stdout == done.stdout


@pytest.mark.parametrize(
    "text, told",
    [
        ("[server]\ngrace = 'x'", "server.grace"),
        ("[server]\nnosuch = 1", "server.nosuch"),
        ("[nosuch]\n", "nosuch"),
        ("[template.default]\nmode = 'free'", "template.default.mode"),
        ("[template.default]\npreload = 'trio'", "template.default.preload"),
        ("[template.'a b']\n", "a b"),
        ("[server\n", "line 1, column"),
        ("x = \n", "line 1, column"),
    ],
)
def test_wrong_configuration_is_refused(tmp_path, text, told):
    config = tmp_path / "config.toml"
    config.write_text(text)
    done = subprocess.run(
        [FORKSERVERD, "--check-config", "--config", config],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert str(config) in done.stderr and told in done.stderr
