"""The daemon as a service: its socket from outside, readiness, its own socket."""

import json
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import time

import forkserverd
import pytest
from conftest import BIN, ENVIRONMENT
from forkserverd import DEVNULL

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


def status_of(receiver):
    while True:
        for line in receiver.recv(4096).decode().split("\n"):
            if line.startswith("STATUS="):
                return line.removeprefix("STATUS=")


def test_its_status_names_the_templates_that_failed(start, tmp_path, notifications):
    path = tmp_path / "socket"
    options = ["--set", "template.bad.preload=no_such_module"]
    start("--socket", path, *options, env={"NOTIFY_SOCKET": notifications.getsockname()})
    wanted = f"1 of 2 templates ready, on {path}; failed: bad"
    while status_of(notifications) != wanted:
        pass


def test_tells_systemd_of_a_reload(start, tmp_path, notifications):
    path = tmp_path / "socket"
    config = tmp_path / "config.toml"
    config.write_text("")
    daemon = start(
        "--socket",
        path,
        "--config",
        config,
        env={"NOTIFY_SOCKET": notifications.getsockname()},
    )
    next_with(notifications, "READY=1")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    config.write_text("[template.more]\n")
    daemon.send_signal(signal.SIGHUP)
    told = next_with(notifications, "RELOADING=1")
    [usec] = [line for line in told if line.startswith("MONOTONIC_USEC=")]
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert before <= int(usec.partition("=")[2]) <= after
    assert "2 of 2 templates ready" in status_of(notifications)
    next_with(notifications, "READY=1")


def test_its_loop_feeds_the_watchdog(start, tmp_path, notifications):
    environment = {"NOTIFY_SOCKET": notifications.getsockname(), "WATCHDOG_USEC": "60000"}
    start("--socket", tmp_path / "socket", env=environment)
    for _ in range(3):
        next_with(notifications, "WATCHDOG=1")


def test_no_watchdog_is_fed_where_there_is_none(start, tmp_path, notifications):
    process = start(
        "--socket",
        tmp_path / "socket",
        env={"NOTIFY_SOCKET": notifications.getsockname(), "WATCHDOG_USEC": "60000"}
        | {"WATCHDOG_PID": str(os.getpid())},
    )
    next_with(notifications, "READY=1")
    process.terminate()
    while True:
        lines = notifications.recv(4096).decode().split("\n")
        assert "WATCHDOG=1" not in lines
        if "STOPPING=1" in lines:
            break


SYSTEMDS = """NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID
LISTEN_FDNAMES CREDENTIALS_DIRECTORY INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID
MANAGERPID MANAGERPIDFDID MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE FDSTORE""".split()


def run_in_child(path, code, *options):
    done = subprocess.run(
        [BIN / "forkctl", "--socket", path, "run", *options, "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_systemd_tells_the_daemon_is_not_told_to_children(start, tmp_path):
    path = tmp_path / "socket"
    names = {**dict.fromkeys(SYSTEMDS, "0"), "LISTEN_PID": "1", "OTHER": "is kept"}
    ready(start, "--socket", path, env=names)
    # forkctl would give its own environment.
    with forkserverd.connect(path, env="template", stderr=DEVNULL) as client:
        told = client.run("builtins:eval", "list(__import__('os').environ)")
    assert "OTHER" in told
    assert not set(told) & set(SYSTEMDS)


def test_a_child_has_the_limits_that_the_daemon_was_started_with(start, tmp_path):
    path = tmp_path / "socket"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(2000, soft)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        # So high that it can be lowered again without CAP_SYS_RESOURCE.
        pathlib.Path("/proc/self/oom_score_adj").write_text("600")

    process = ready(start, "--socket", path, preexec_fn=limit)
    assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    code = "import resource as r; print(*r.getrlimit(r.RLIMIT_NOFILE))"
    assert run_in_child(path, code) == f"{soft} {hard}\n"

    daemons = pathlib.Path(f"/proc/{process.pid}/oom_score_adj").read_text()
    code = "print(open('/proc/self/oom_score_adj').read())"
    assert (daemons, run_in_child(path, code)) == ("100\n", "600\n\n")


def detached(path, code):
    done = subprocess.run(
        [BIN / "forkctl", "--socket", path, "--json", "spawn", "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["pid"]


def test_a_detached_child_ends_with_the_daemon_where_it_shall(start, tmp_path):
    path = tmp_path / "socket"
    process = ready(start, "--socket", path, "--set", "server.drain_detached=true")
    polite = detached(path, "import trio; trio.run(trio.sleep_forever)")
    deaf = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); s.pause()"
    children = [os.pidfd_open(polite), os.pidfd_open(detached(path, deaf))]
    process.terminate()
    assert process.wait(LIMIT) == 0
    for child in children:
        assert select.select([child], [], [], 0)[0] == [child]
        os.close(child)


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
        (
            "[template.default]\nrlimits = { nofile = [10, 20], core = 0, as = 'infinity' }",
            {},
            [],
            'rlimits = { core = [0, 0], nofile = [10, 20], as = ["infinity", "infinity"] }',
        ),
        (
            "[template.default]\nrlimits = { core = 0 }",
            {"FORKSERVERD_TEMPLATE_DEFAULT_RLIMITS": "nofile=10:infinity,nproc=7"},
            [],
            'rlimits = { nproc = [7, 7], nofile = [10, "infinity"] }',
        ),
        ("[template.default]\nnice = -3", {}, [], "nice = -3"),
        ("[template.default]\nnice = -3", {}, ["--set", "template.default.nice="], 'nice = ""'),
        ("", {}, ["--set", "template.default.oom_score_adj=-1000"], "oom_score_adj = -1000"),
        ("[template.default]\ncpus = '5,0-3,4,9'", {}, [], 'cpus = "0-5,9"'),
        ("[template.default]\nmemory_max = '64M'", {}, [], "memory_max = 67108864"),
        ("", {"FORKSERVERD_TEMPLATE_DEFAULT_CPU_WEIGHT": "7"}, [], "cpu_weight = 7"),
        ("", {}, ["--set", "template.default.pids_max=infinity"], 'pids_max = "infinity"'),
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


def test_a_configuration_comes_through_a_pipe():
    done = subprocess.run(
        [FORKSERVERD, "--check-config", "--config", "/dev/stdin"],
        env=ENVIRONMENT,
        input="[server]\ngrace = 3.5\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "grace = 3.5" in done.stdout.split("\n")


@pytest.mark.parametrize(
    "text, told",
    [
        ("[server]\ngrace = 'x'", "server.grace"),
        ("[server]\nnosuch = 1", ":2: server.nosuch"),
        ("[nosuch]\n", "nosuch"),
        ("[template.default]\nmode = 'free'", "template.default.mode"),
        ("[template.default]\npreload = 'trio'", "template.default.preload"),
        ("[template.'a b']\n", "a b"),
        ("[template.default]\nnice = 20", ":2: template.default.nice: must be from -20 to 19"),
        ("[template.default]\noom_score_adj = 1.5", "template.default.oom_score_adj"),
        ("[template.default]\ncpus = '3-'", "template.default.cpus"),
        ("[template.default]\nmemory_max = '64X'", ":2: template.default.memory_max: must be"),
        ("[template.default]\ncpu_weight = 10001", "template.default.cpu_weight: must be from 1"),
        ("[template.default]\npids_max = 0", "template.default.pids_max: must be from 1"),
        ("[template.default]\nrlimits = { x = 1 }", ":2: template.default.rlimits.x"),
        ("[template.default]\nrlimits = { cpu = [2, 1] }", "template.default.rlimits.cpu"),
        ("[server\n", ":1:8: "),
        ("x = \n", ":1:5: "),
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
