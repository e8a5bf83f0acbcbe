"""forkctl as a person and as a script use it: at a terminal and without one."""

import json
import os
import signal
import subprocess
import sys

import pexpect
import pytest
from conftest import BIN, ENVIRONMENT, FIXTURES

LIMIT = 20  # seconds; nothing here takes one
FORKCTL = str(BIN / "forkctl")


def forkctl(daemon, *words, **options):
    return subprocess.run(
        [FORKCTL, "--socket", str(daemon), *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        **{"stdin": subprocess.DEVNULL, "env": ENVIRONMENT, **options},
    )


class Terminal(pexpect.spawn):
    """A person's terminal with a command in it."""

    def __init__(self, command, args, **options):
        environment = {**ENVIRONMENT, "TERM": "dumb", "PS1": "$ "}
        super().__init__(
            command,
            [str(arg) for arg in args],
            env=environment,
            encoding="utf-8",
            timeout=LIMIT,
            **options,
        )

    def end(self):
        """Reads to the end; the exit status, -signal for a signal."""
        self.expect(pexpect.EOF)
        self.close()
        return self.exitstatus if self.signalstatus is None else -self.signalstatus


def at_terminal(daemon, *words, **options):
    return Terminal(FORKCTL, ["--socket", daemon, "run", *words], **options)


# --- at a terminal ----------------------------------------------------------


def test_interactive_interpreter(plain_daemon):
    person = at_terminal(plain_daemon, "-c", "import code; code.interact()")
    person.expect(">>> ")
    person.sendline("6 * 7")
    person.expect("42\r\n>>> ")
    person.sendline("print('spi' + 'ns') or [1 for _ in iter(int, 1)]")  # for ever
    person.expect_exact("spins\r\n")
    person.sendintr()
    person.expect("KeyboardInterrupt\r\n>>> ")
    person.sendline("'é'")
    person.expect("'é'\r\n>>> ")
    person.sendeof()
    assert person.end() == 0


def test_getpass_does_not_echo(plain_daemon):
    code = "import getpass; print('got', getpass.getpass('Password? ')[::-1])"
    person = at_terminal(plain_daemon, "-c", code)
    person.expect_exact("Password? ")
    person.sendline("terces")
    person.expect("got secret\r\n")
    assert "terces" not in person.before
    assert person.end() == 0


def test_controlling_terminal_and_size(plain_daemon):
    code = """
import os, signal
def look(*_):
    # Not print, which a second signal could meet at work.
    os.write(1, f"size {os.get_terminal_size()}\\n".encode())
signal.signal(signal.SIGWINCH, look)
look()
print("tty", open("/dev/tty").readline(), end="")
"""
    person = at_terminal(plain_daemon, "-c", code, dimensions=(33, 111))
    person.expect("columns=111, lines=33")
    person.setwinsize(20, 70)
    person.expect("columns=70, lines=20")
    person.sendline("typed")
    person.expect("tty typed\r\n")
    assert person.end() == 0


def test_ctrl_c_ends_as_python_does(plain_daemon):
    code = "import time; print('up', flush=True); time.sleep(60)"
    ours = at_terminal(plain_daemon, "-c", code)
    theirs = Terminal(sys.executable, ["-c", code])
    shown = []
    for person in (ours, theirs):
        person.expect("up\r\n")
        person.sendintr()
        status = person.end()
        shown.append((person.before, 128 - status if status < 0 else status))
    assert shown[0] == shown[1]


def test_suspend_and_foreground(plain_daemon):
    person = Terminal("/bin/bash", ["--norc", "-i"])
    person.expect(r"\$ ")
    person.sendline(
        f"{FORKCTL} --socket {plain_daemon} run -c 'import code; code.interact()'"
    )
    person.expect(">>> ")
    person.sendline("a = 5")
    person.expect(">>> ")
    person.send("\x1a")
    person.expect("Stopped.*\\$ ")
    listed = json.loads(forkctl(plain_daemon, "--json", "ps").stdout)
    [child] = [c for c in listed["children"] if c["state"] == "running"]
    with open(f"/proc/{child['pid']}/stat") as file:
        assert file.read().rpartition(")")[2].split()[0] == "T"
    person.sendline("echo st''ty $(stty -a | grep -c -- -icanon)")
    person.expect("stty 0\r\n")  # the shell has its modes back
    person.sendline("fg")
    person.expect("code.interact")
    person.sendline("a + 1")
    person.expect("6\r\n>>> ")
    person.sendeof()
    person.expect(r"\$ ")
    person.sendline("exit")
    assert person.end() == 0


def test_in_a_pipeline(plain_daemon):
    run = f"{FORKCTL} --socket {plain_daemon} run"
    person = Terminal(
        "/bin/sh", ["-c", f"{run} -c 'for i in range(9): print(i)' | head -2; echo end"]
    )
    person.expect("0\r\n1\r\nend\r\n")
    assert person.end() == 0


def test_no_tty_passes_the_terminal_itself(plain_daemon):
    code = "import os; print(os.ttyname(0))"
    person = at_terminal(plain_daemon, "--no-tty", "-c", code)
    person.expect("/dev/pts/[0-9]+")
    assert person.match.group() == os.ptsname(person.child_fd)
    assert person.end() == 0


# --- without one ------------------------------------------------------------


@pytest.fixture
def running(plain_daemon):
    """forkctl with a child that has said that it is up."""
    started = []

    def start(code):
        process = subprocess.Popen(
            # Whoever runs the tests may ignore some of them.
            ["env", "--default-signal", FORKCTL]
            + ["--socket", plain_daemon, "run", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        started.append(process)
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


SAYS_SIGNALS = """
import os, signal, time
def tell(number, frame):
    os.write(1, f"got {number}\\n".encode())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, tell)
print("up", flush=True)
while True:
    time.sleep(1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_forwarded_and_the_second_kills(running, number):
    process = running(SAYS_SIGNALS)
    process.send_signal(number)
    assert process.stdout.readline() == f"got {int(number)}\n"
    process.send_signal(number)
    assert process.wait(LIMIT) == 128 + signal.SIGKILL


def test_its_own_death_ends_the_child(running, plain_daemon):
    process = running(SAYS_SIGNALS)
    listed = json.loads(forkctl(plain_daemon, "--json", "ps").stdout)["children"]
    process.kill()
    # Its stdout is the child's too: the end of it is the child's end.
    assert process.stdout.read() in ("", f"got {int(signal.SIGTERM)}\n")
    done = forkctl(plain_daemon, "wait", str(listed[-1]["id"]))
    assert done.returncode in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


@pytest.mark.parametrize(
    "words, status",
    [
        (["-c", "pass"], 0),
        (["-c", "raise SystemExit(3)"], 3),
        (["-c", "import os; os.kill(os.getpid(), 9)"], 137),
        (["nosuch.py"], 2),
        (["nosuch:main"], 1),
        (["-t", "nosuch", "-c", "pass"], 125),
        ([], 125),
    ],
    ids=str,
)
def test_exit_status(plain_daemon, words, status):
    done = forkctl(plain_daemon, "run", *words)
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize(
    "body, status, told",
    [
        ("return None", 0, ""),
        ("return 7", 7, ""),
        ("return 'wrong'", 1, "wrong\n"),
        ("raise SystemExit('bye')", 1, "bye\n"),
    ],
)
def test_a_functions_result_is_the_status(plain_daemon, tmp_path, body, status, told):
    (tmp_path / "program.py").write_text(f"def main():\n    {body}\n")
    done = forkctl(plain_daemon, "run", "program:main", "x", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (status, told)


def test_a_failed_import_is_told_once(plain_daemon, tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    done = forkctl(plain_daemon, "run", "broken:main", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError") == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")


def test_spawn_ps_wait(plain_daemon):
    spawned = forkctl(plain_daemon, "spawn", "-c", "import trio; trio.run(trio.sleep_forever)")
    id = spawned.stdout.strip()
    assert spawned.returncode == 0 and id.isdigit()
    assert id in forkctl(plain_daemon, "ps").stdout.split()
    assert forkctl(plain_daemon, "wait", "--timeout", "0.01", id).returncode == 124
    inspected = json.loads(forkctl(plain_daemon, "--json", "inspect", id).stdout)
    assert inspected["detached"] and inspected["state"] == "running"
    assert forkctl(plain_daemon, "signal", id, "KILL").returncode == 0
    assert forkctl(plain_daemon, "wait", id).returncode == 137
    assert forkctl(plain_daemon, "cancel", id).returncode == 125


@pytest.mark.parametrize("verb", ["ping", "status", "templates", "ps"])
def test_json_is_json(plain_daemon, verb):
    done = forkctl(plain_daemon, "--json", verb)
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), dict)


def test_status_shows_latencies_as_a_table(plain_daemon):
    forkctl(plain_daemon, "run", "--start", "warm", "-c", "pass")
    shown = forkctl(plain_daemon, "status").stdout
    told = json.loads(forkctl(plain_daemon, "--json", "status").stdout)["latency"]
    rows = [line.split() for line in shown.splitlines()]
    at = rows.index("START PHASE COUNT P50 P90 P99 MAX".split())
    assert [row[:3] for row in rows[at + 1 :]] == [
        [start, phase.removesuffix("_ns"), str(figures["count"])]
        for start, phases in told.items()
        for phase, figures in phases.items()
    ]
    assert "latency" not in "\n".join(shown.splitlines()[:at])


VERBS = """ping run spawn ps wait attach detach events cancel kill signal inspect status
    bench templates shutdown"""


@pytest.mark.parametrize("verb", VERBS.split())
def test_help_of_each_verb(tmp_path, verb):
    asked = forkctl(tmp_path / "nobody", "help", verb)
    option = forkctl(tmp_path / "nobody", verb, "--help")
    assert asked.returncode == option.returncode == 0
    assert asked.stdout == option.stdout
    assert f"usage: forkctl {verb}" in asked.stdout


def test_nobody_listens(tmp_path):
    done = forkctl(tmp_path / "nobody", "ping")
    assert done.returncode == 125
    assert str(tmp_path / "nobody") in done.stderr
    assert "No such file" in done.stderr


def test_a_time_out_ends_it(plain_daemon):
    code = "import trio; print('runs', flush=True); trio.run(trio.sleep_forever)"
    done = forkctl(plain_daemon, "run", "--timeout", "0.2", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (124, "runs\n", "")
    done = forkctl(plain_daemon, "run", "--timeout", "3600", "-c", "pass")
    assert done.returncode == 0


def test_a_start_is_given_up(daemon):
    words = ["--start-timeout", "0.2", "hangs_at_import:main"]
    for verb in ("run", "spawn"):
        done = forkctl(daemon, verb, "-C", FIXTURES, *words)
        assert (done.returncode, done.stdout) == (124, "")
        assert done.stderr == (
            "forkctl: timeout: the child has not started within 0.2 s\n"
        )


@pytest.mark.parametrize("option", ["--timeout", "--start-timeout"])
@pytest.mark.parametrize("word", ["0", "-1", "soon", ""])
def test_a_time_out_is_a_time(plain_daemon, option, word):
    done = forkctl(plain_daemon, "run", option, word, "-c", "pass")
    assert done.returncode == 125
    assert f'"{word}" is no time in seconds above 0' in done.stderr


def test_limits(plain_daemon):
    code = (
        "import os, resource as r;"
        "print(r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE),"
        "os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))"
    )
    limits = ["--rlimit", "nofile=100:200", "--rlimit", "core=0", "--nice", "7", "--cpus", "0"]
    done = forkctl(plain_daemon, "run", *limits, "-c", code)
    assert done.stdout == "(100, 200) (0, 0) 7 {0}\n", done.stderr


@pytest.mark.parametrize(
    "option, word, told",
    [
        ("--rlimit", "nofile", "rlimits must be NAME=SOFT:HARD"),
        ("--rlimit", "nofile=", "rlimits.nofile must be a number"),
        ("--rlimit", "nofile=2:1", "rlimits.nofile has a soft limit above"),
        ("--rlimit", "nofiles=1", "rlimits.nofiles is no limit"),
        ("--nice", "20", "nice must be from -20 to 19"),
        ("--cpus", "1-", "cpus must be a list"),
        ("--oom-score-adj", "x", "oom_score_adj must be an int"),
        ("--memory-max", "64X", "memory_max must be a number from 1"),
        ("--cpu-weight", "0", "cpu_weight must be from 1 to 10000"),
        ("--pids-max", "max", "pids_max must be a number from 1"),
    ],
)
def test_a_limit_is_one(plain_daemon, option, word, told):
    done = forkctl(plain_daemon, "run", option, word, "-c", "")
    assert done.returncode == 125
    assert f'"{word}": {told}' in done.stderr
