"""forkctl metrics, top and ping."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from conftest import BIN, start

LIMIT = 60
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = rf'({NAME})="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)")
SUFFIXES = {
    "counter": {"_total"},
    "gauge": {""},
    "info": {"_info"},
    "summary": {"", "_count"},
}


def forkctl(socket, *words):
    done = subprocess.run(
        [BIN / "forkctl", "--socket", socket, *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def parse(text):
    """What OpenMetrics 1.0 demands, as strictly; the samples of each family."""
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    families, family, seen = {}, None, set()
    for line in text.removesuffix("# EOF\n").removesuffix("\n").split("\n"):
        if line.startswith("# "):
            kind, name, rest = line[2:].split(" ", 2)
            if kind == "TYPE":
                assert name not in families and rest in SUFFIXES
                family, families[name] = name, {"type": rest, "samples": {}}
            else:
                assert kind in ("UNIT", "HELP") and name == family
                assert not families[name]["samples"] and kind not in families[name]
                families[name][kind] = rest
                if kind == "UNIT":
                    assert name.endswith("_" + rest)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, labels, value = match[1], match[2] or "", float(match[match.re.groups])
        assert name.removeprefix(family) in SUFFIXES[families[family]["type"]], line
        names = [pair[0] for pair in re.findall(LABEL, labels)]
        assert len(set(names)) == len(names)
        assert (name, labels) not in seen
        seen.add((name, labels))
        if families[family]["type"] in ("counter", "summary", "info"):
            assert value >= 0
        families[family]["samples"][name, labels] = value
    return families


def test_metrics_are_openmetrics(daemon):
    forkctl(daemon, "run", "-c", "pass")
    status = json.loads(forkctl(daemon, "status", "--json"))
    found = parse(forkctl(daemon, "metrics"))
    values = {}
    for name, family in found.items():
        assert name.startswith("forkserverd_") and family["HELP"]
        values |= family["samples"]
    assert values["forkserverd_spawns_total", ""] == status["spawned"] >= 1
    assert values["forkserverd_template_ready", 'template="default"'] == 1
    assert values["forkserverd_template_generation", 'template="default"'] == 1
    assert values["forkserverd_children", 'state="running"'] == 0
    warm = 'start="warm",phase="total"'
    total = status["latency"]["warm"]["total_ns"]
    assert values["forkserverd_spawn_phase_seconds_count", warm] == total["count"]
    median = values["forkserverd_spawn_phase_seconds", warm + ',quantile="0.5"']
    assert median == pytest.approx(total["p50_ns"] / 1e9)
    assert found["forkserverd_uptime_seconds"]["UNIT"] == "seconds"


@pytest.mark.parametrize(
    "text",
    [
        "a 1\n# EOF\n",
        "# TYPE a gauge\na 1\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        '# TYPE a gauge\na{b="c" 1\n# EOF\n',
        "# TYPE a gauge\n# TYPE b gauge\na 1\n# EOF\n",
    ],
)
def test_the_parser_is_strict(text):
    with pytest.raises((AssertionError, KeyError, TypeError, AttributeError)):
        parse(text)


def test_ping_waits_for_a_daemon(tmp_path):
    words = [BIN / "forkctl", "--socket", tmp_path / "socket", "ping", "--wait"]
    none = subprocess.run([*words, "0"], capture_output=True, text=True, timeout=LIMIT)
    assert none.returncode == 125
    assert none.stderr.startswith(f'forkctl: connect to "{tmp_path}/socket": ')
    wrong = subprocess.run([*words, "soon"], capture_output=True, text=True, timeout=LIMIT)
    assert wrong.returncode == 125 and '"soon" is no time in seconds' in wrong.stderr
    early = subprocess.Popen([*words, str(LIMIT)], stdout=subprocess.PIPE, text=True)
    daemon = start(tmp_path, [])
    assert re.fullmatch(r"\d+ us\n", early.communicate(timeout=LIMIT)[0])
    assert early.returncode == 0
    daemon.terminate()
    assert daemon.wait(LIMIT) == 0


def test_top_is_shown_once_without_a_terminal(daemon):
    child = forkctl(daemon, "spawn", "-c", "import time; time.sleep(3600)").strip()
    lines = forkctl(daemon, "top").split("\n")
    assert re.match(r"forkserverd .*, pid \d+, running, up .*spawned \d+", lines[0])
    assert lines[2].split() == "TEMPLATE STATE GEN AGE CHILDREN STANDBYS MEMORY WAY".split()
    assert lines[3].split()[:3] == ["default", "ready", "1"]
    [row] = [line.split() for line in lines[6:] if line.split()[:1] == [child]]
    assert row[3:6] == ["default", "1", "running"]
    assert re.fullmatch(r"\d+\.\d\ds", row[7]) and re.fullmatch(r"[\d.]+M", row[8])
    assert "\033" not in "".join(lines)
    forkctl(daemon, "kill", child)


class Screen:
    """top on a terminal of our own."""

    def __init__(self, socket, columns, rows, term="xterm", words=(), stderr=None):
        self.master, slave = pty.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [BIN / "forkctl", "--socket", socket, "top", *words],
            stdin=slave,
            stdout=slave,
            stderr=stderr,
            env={**os.environ, "TERM": term},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.slave = slave
        self.text = ""

    def size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def picture(self):
        """The lines of the next whole one."""
        until = time.monotonic() + LIMIT
        whole = re.compile("\033\\[\\?2026h\033\\[H(.*?)\033\\[\\?2026l", re.S)
        while not (match := whole.search(self.text)):
            assert select.select([self.master], [], [], until - time.monotonic())[0]
            self.text += os.read(self.master, 65536).decode()
        self.text = self.text[match.end() :]
        # The terminal makes \r\n of \n, and so \r\r\n of ours. To erase behind a
        # line would take the last column of a full one.
        lines = re.split("\r+\n", match[1])
        if lines[-1] == "\033[J":
            lines.pop()
        assert all(re.fullmatch("\033\\[K[^\033]*", line) for line in lines), lines
        return [line.removeprefix("\033[K") for line in lines]

    def end(self):
        status = self.process.wait(LIMIT)
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode()
        assert self.text.endswith("\033[?7h\033[?25h\033[?1049l")
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)
        return status


def test_top_on_a_terminal(daemon):
    screen = Screen(daemon, 60, 5)
    lines = screen.picture()
    assert len(lines) == 5 and len(lines[0]) <= 60
    assert lines[0].startswith("forkserverd ")
    screen.size(20, 3)
    while len(lines) != 3:
        lines = screen.picture()
    assert len(lines[0]) == 20 and lines[0].endswith(">")
    # Whichever column the edge is in.
    for columns in (25, 41):
        screen.size(columns, 20)
        while len(lines[0]) != columns:
            lines = screen.picture()
        heads = [line for line in lines if re.match(" *(TEMPLATE|ID) ", line)]
        assert len(heads) == 2 and all(line.endswith(">") for line in heads)
        assert max(map(len, lines)) == columns
    os.write(screen.master, b"xq")
    assert screen.end() == 0


def test_top_waits_for_a_daemon_that_is_gone(tmp_path):
    first = start(tmp_path, [])
    screen = Screen(tmp_path / "socket", 80, 24)
    assert f", pid {first.pid}, " in screen.picture()[0]
    first.terminate()
    assert first.wait(LIMIT) == 0
    while not (lines := screen.picture())[0].startswith("no daemon; "):
        pass
    while f'connect to "{tmp_path}' not in lines[1]:
        lines = screen.picture()
    assert len(lines) == 2
    second = start(tmp_path, [])
    while not (lines := screen.picture())[0].startswith("forkserverd "):
        pass
    assert f", pid {second.pid}, " in lines[0]
    second.terminate()
    assert second.wait(LIMIT) == 0
    while not screen.picture()[0].startswith("no daemon; "):
        pass
    os.write(screen.master, b"q")
    assert screen.end() == 0


def test_top_does_not_wait_for_ever(tmp_path):
    daemon = start(tmp_path, [])
    screen = Screen(tmp_path / "socket", 80, 24, words=["--wait", "0"], stderr=subprocess.PIPE)
    screen.picture()
    daemon.terminate()
    assert daemon.wait(LIMIT) == 0
    told = screen.process.stderr.read().decode()
    assert screen.end() == 125
    assert told.startswith("forkctl: ")


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_top_gives_the_terminal_back(daemon, sig):
    screen = Screen(daemon, 80, 24)
    screen.picture()
    screen.process.send_signal(sig)
    assert screen.end() == -sig


def test_top_is_shown_once_on_a_dumb_terminal(daemon):
    screen = Screen(daemon, 80, 24, term="dumb")
    assert screen.process.wait(LIMIT) == 0
    until = time.monotonic() + LIMIT
    while "TITLE" not in screen.text:
        assert select.select([screen.master], [], [], until - time.monotonic())[0]
        screen.text += os.read(screen.master, 65536).decode()
    os.close(screen.slave)
    os.close(screen.master)
    assert screen.text.startswith("forkserverd ") and "\033" not in screen.text
