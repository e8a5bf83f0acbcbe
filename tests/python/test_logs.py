"""forkctl logs, and where the output of what forkctl starts goes."""

import json
import os
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT

LIMIT = 30  # seconds
FORKCTL = str(BIN / "forkctl")
BOTH = "import sys; print('out'); print('err', file=sys.stderr)"


def forkctl(daemon, *words, **options):
    return subprocess.run(
        [FORKCTL, "--socket", str(daemon), *words],
        capture_output=True,
        timeout=LIMIT,
        env=ENVIRONMENT,
        **{"stdin": subprocess.DEVNULL, **options},
    )


def spawn(daemon, *words, **options):
    done = forkctl(daemon, "spawn", *words, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def test_logs_of_a_detached_child(plain_daemon):
    child = spawn(plain_daemon, "-c", BOTH)
    assert forkctl(plain_daemon, "wait", child).returncode == 0
    for more in ([], ["-f"]):
        done = forkctl(plain_daemon, "logs", *more, child)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"out\n", b"err\n")


def test_logs_byte_for_byte(plain_daemon):
    child = spawn(plain_daemon, "-c", "import os; os.write(1, bytes(range(256)))")
    done = forkctl(plain_daemon, "logs", "-f", child)
    assert done.stdout == bytes(range(256))


def test_logs_says_what_is_not_kept(plain_daemon):
    child = spawn(plain_daemon, "--capture", "10", "-c", "print('x' * 100 + '123456789')")
    done = forkctl(plain_daemon, "logs", "-f", child)
    assert done.returncode == 0
    # What was read while it followed is there, what was dropped before is told.
    told = done.stderr.decode()
    missing = int(told.split()[1]) if told else 0
    assert len(done.stdout) + missing == 110
    assert done.stdout.endswith(b"123456789\n")
    done = forkctl(plain_daemon, "logs", child)
    assert done.stdout == b"123456789\n"
    assert done.stderr == b"forkctl: 100 bytes of stdout are not kept\n"


def test_logs_follow(plain_daemon, tmp_path):
    """What was, and what comes, until the end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = f"print('one', flush=True); open({str(fifo)!r}).read(); print('two' * 30000)"
    child = spawn(plain_daemon, "-c", code)
    with subprocess.Popen(
        [FORKCTL, "--socket", plain_daemon, "logs", "-f", child],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as follower:
        assert follower.stdout.readline() == b"one\n"
        fifo.write_text("go")
        assert follower.stdout.read() == b"two" * 30000 + b"\n"
        assert follower.wait(LIMIT) == 0


def test_logs_reader_goes(plain_daemon, request):
    """One that follows ends when its reader has, and the child does not."""
    child = spawn(plain_daemon, "-c", "while True: print('x' * 1000, end='')")
    # It keeps a processor busy, also where this fails; an error: it has ended.
    request.addfinalizer(lambda: forkctl(plain_daemon, "kill", child))
    done = subprocess.run(
        f"{FORKCTL} --socket {plain_daemon} logs -f {child} | head -c 5",
        shell=True,
        capture_output=True,
        timeout=LIMIT,
        env=ENVIRONMENT,
    )
    assert done.stdout == b"xxxxx"
    assert forkctl(plain_daemon, "kill", child).returncode == 0
    assert forkctl(plain_daemon, "wait", child).returncode == 128 + 9


def test_logs_json(plain_daemon):
    child = spawn(plain_daemon, "-c", BOTH)
    forkctl(plain_daemon, "wait", child)
    done = forkctl(plain_daemon, "--json", "logs", child)
    kept = json.loads(done.stdout)
    assert kept["stdout"]["data"] == "out\n"
    assert kept["stderr"] == {
        "bytes": 4,
        "dropped": 0,
        "complete": True,
        "offset": 0,
        "data": "err\n",
    }


@pytest.mark.parametrize("option", ["--no-capture", "--fds"])
def test_logs_of_what_is_not_captured(plain_daemon, option):
    child = spawn(plain_daemon, option, "-c", "1")
    done = forkctl(plain_daemon, "logs", child)
    assert done.returncode == 125
    assert f"the output of child {child} is not captured" in done.stderr.decode()


@pytest.mark.parametrize("words", [[], ["x"], ["0"], ["1", "2"], ["--no", "1"]])
def test_logs_usage(plain_daemon, words):
    done = forkctl(plain_daemon, "logs", *words)
    assert done.returncode == 125
    assert b"usage: forkctl logs" in done.stderr


def test_logs_of_nobody(plain_daemon):
    for more in ([], ["-f"]):
        done = forkctl(plain_daemon, "logs", *more, "999999")
        assert done.returncode == 125
        assert b"not_found" in done.stderr


# --- files ------------------------------------------------------------------


def test_files(plain_daemon, tmp_path):
    """Opened in the child's directory; nothing of them is captured."""
    (tmp_path / "in").write_text("hello")
    (tmp_path / "out").write_text("old")
    words = ["-C", tmp_path, "--stdin", "in", "--stdout", "out", "--stderr", "err"]
    code = "import sys; print(sys.stdin.read()); print('err', file=sys.stderr)"
    child = spawn(plain_daemon, *words, "-c", code)
    forkctl(plain_daemon, "wait", child)
    assert (tmp_path / "out").read_text() == "hello\n"
    assert (tmp_path / "err").read_text() == "err\n"
    assert forkctl(plain_daemon, "logs", child).returncode == 125


def test_one_file_for_both(plain_daemon, tmp_path):
    both = tmp_path / "both"
    words = ["run", "--stdout", both, "--stderr", both]
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    for option, times in ([], 1), (["--append"], 2):
        done = forkctl(plain_daemon, *words, *option, "-c", code)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert both.read_text() == "out\nerr\n" * times


def test_one_stream_in_a_file(plain_daemon, tmp_path):
    """The other one is captured, or forkctl's own."""
    child = spawn(plain_daemon, "--stdout", tmp_path / "out", "-c", BOTH)
    forkctl(plain_daemon, "wait", child)
    done = forkctl(plain_daemon, "logs", child)
    assert (done.stdout, done.stderr) == (b"", b"err\n")
    done = forkctl(plain_daemon, "run", "--stderr", tmp_path / "err", "-c", BOTH)
    assert (done.stdout, done.stderr) == (b"out\n", b"")
    assert (tmp_path / "err").read_text() == "err\n"


def test_no_such_file(plain_daemon, tmp_path):
    done = forkctl(plain_daemon, "run", "--stdin", tmp_path / "no", "-c", "1")
    assert done.returncode == 126
    assert b"No such file" in done.stderr


@pytest.mark.parametrize("bytes_", ["0", "-1", "many", "99999999"])
def test_wrong_capture(plain_daemon, bytes_):
    done = forkctl(plain_daemon, "spawn", "--capture", bytes_, "-c", "1")
    assert done.returncode == 125
    assert b"number of bytes" in done.stderr or b"capture.bytes" in done.stderr


# --- readiness --------------------------------------------------------------


def test_ready_told(plain_daemon):
    code = "import _forkserverd as f; f.ready({'port': 8080}); input()"
    done = forkctl(plain_daemon, "--json", "spawn", "--ready", "told", "-c", code)
    assert json.loads(done.stdout)["value"] == {"port": 8080}


def test_ready_by_notification(plain_daemon):
    code = """\
import os, socket, sys, time
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
sock.send(b"STATUS=serving nobody\\nREADY=1")
time.sleep(60)
"""
    child = spawn(plain_daemon, "--ready", "notify", "-c", code)
    assert b"(serving nobody)" in forkctl(plain_daemon, "ps").stdout
    forkctl(plain_daemon, "kill", child)


def test_never_ready(plain_daemon):
    done = forkctl(plain_daemon, "run", "--ready", "told", "-c", "raise SystemExit(3)")
    assert done.returncode == 125
    assert b"exited with status 3 before it was ready" in done.stderr
    done = forkctl(plain_daemon, "spawn", "--ready", "soon", "-c", "1")
    assert done.returncode == 125
    assert b'"started", "told" or "notify"' in done.stderr
