"""forkctl bench: what it tells and shows, and that it leaves nobody behind.  How
fast children are is not asked here."""

import json
import os
import select

import pytest
from conftest import ENVIRONMENT
from test_forkctl import FORKCTL, LIMIT, Terminal, forkctl

UTF8 = {**ENVIRONMENT, "LC_ALL": "C.UTF-8"}
BLOCKS = set("▁▂▃▄▅▆▇█")


def bench(daemon, *words, **options):
    return forkctl(daemon, "bench", *words, **options)


def live(daemon):
    listed = json.loads(forkctl(daemon, "--json", "ps").stdout)["children"]
    return [child["id"] for child in listed]


def test_json(plain_daemon):
    done = bench(plain_daemon, "-n", "3", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["template"], told["rounds"]) == ("default", 3)
    assert told["call"] == "trio.lowlevel:checkpoint"
    assert list(told["starts"]) == ["standby", "warm", "cold"]
    for start, count in ("warm", 3), ("cold", 1):
        figures = told["starts"][start]
        assert figures["there"] and figures["others"] == 0
        for until in "started", "reaped":
            assert figures[until]["count"] == count
            keys = [f"{name}_ns" for name in ("min", "p50", "p90", "p99", "max")]
            times = [figures[until][key] for key in keys]
            assert times == sorted(times) and times[0] > 0
        assert figures["reaped"]["min_ns"] > figures["started"]["min_ns"]
    # It is there for each asked one, or for none.
    standby = told["starts"]["standby"]
    had = standby["started"]["count"] if "started" in standby else 0
    assert had + standby["others"] == (3 if standby["there"] else 0)
    assert live(plain_daemon) == []


def test_piped(plain_daemon):
    done = bench(plain_daemon, "-n", "4", "--start", "warm", "os:getpid", env=UTF8)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\r" not in done.stdout and "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "template default, os:getpid, 4 of 4 rounds"
    rows = [line.split() for line in lines]
    assert "START UNTIL COUNT P50 P90 P99 MAX".split() in rows
    table = [
        row[:3] for row in rows if len(row) == 7 and row[1] in ("started", "reaped")
    ]
    assert table == [["warm", "started", "4"], ["warm", "reaped", "4"]]
    drawn = [line for line in lines if BLOCKS & set(line)]
    assert 1 <= len(drawn) <= 4
    assert all(len(line) <= 78 for line in lines)
    assert "cold" not in done.stdout


def test_without_utf8(plain_daemon):
    words = ["-n", "2", "--start", "warm", "os:getpid"]
    done = bench(plain_daemon, *words, env={**ENVIRONMENT, "LC_ALL": "C"})
    assert done.returncode == 0
    assert done.stdout.isascii() and "#" in done.stdout


def at_terminal(daemon, *words, columns):
    terminal = Terminal(
        "/usr/bin/env",
        ["LC_ALL=C.UTF-8", FORKCTL, "--socket", daemon, "bench", *words],
        dimensions=(24, columns),
    )
    return terminal


def test_at_a_terminal(plain_daemon):
    person = at_terminal(plain_daemon, "-n", "12", "--start", "warm", columns=50)
    person.expect(r"\r\[-{32}\] 0 of 12")
    person.expect_exact("template default")
    person.expect_exact("warm, until started:\r\n")
    assert person.end() == 0
    lines = person.before.split("\r\n")
    assert BLOCKS & set(person.before)
    assert all(len(line) <= 50 for line in lines)


def test_ctrl_c_leaves_nobody(plain_daemon):
    person = at_terminal(plain_daemon, "-n", "10000", "--start", "warm", columns=80)
    person.expect(r"\] [1-9]\d* of 10000")
    person.sendintr()
    person.expect(r"template default, trio\S+, [1-9]\d* of 10000 rounds")
    assert person.end() == 128 + 2
    for id in live(plain_daemon):
        forkctl(plain_daemon, "wait", str(id))
    assert live(plain_daemon) == []


HANGS = """\
import trio
async def main():
    with open({!r}, "w") as file:
        file.write("up")
    await trio.sleep_forever()
"""


def test_ctrl_c_in_a_child_that_goes_on(plain_daemon, tmp_path, monkeypatch):
    fifo = tmp_path / "up"
    os.mkfifo(fifo)
    (tmp_path / "here.py").write_text(HANGS.format(str(fifo)))
    monkeypatch.chdir(tmp_path)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    person = at_terminal(plain_daemon, "--start", "warm", "here:main", columns=80)
    person.expect_exact("0 of 100")
    assert select.select([reader], [], [], LIMIT)[0]
    os.close(reader)
    person.sendintr()
    assert person.end() == 128 + 2
    for id in live(plain_daemon):
        forkctl(plain_daemon, "wait", str(id))
    assert live(plain_daemon) == []


@pytest.mark.parametrize(
    "words, told",
    [
        (["-n", "0"], '"0" is no number from 1 to 10000'),
        (["-n", "10001"], '"10001" is no number from 1 to 10000'),
        (["-n", "-1"], '"-1" is no number from 1 to 10000'),
        (["-n", "many"], '"many" is no number from 1 to 10000'),
        (["--start", "hot"], '"hot" is none of standby, warm and cold'),
        (["script.py"], '"script.py" is no PKG.MOD:FUNC'),
        (["os:getpid", "os:getpid"], "too many words"),
        (["-t", "nosuch"], 'no template "nosuch"'),
    ],
)
def test_refused(plain_daemon, words, told):
    done = bench(plain_daemon, *words)
    assert (done.returncode, done.stdout) == (125, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    "call, status, told",
    [
        ("os:nosuch", 1, "AttributeError"),
        ("os:abort", 125, "a child was ended by signal 6"),
        ("sys:intern", 125, "a child exited with status 1\nTypeError"),
    ],
)
def test_a_child_that_fails_is_told(plain_daemon, call, status, told):
    done = bench(plain_daemon, "--start", "warm", call)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr


def test_a_function_from_here(plain_daemon, tmp_path):
    (tmp_path / "here.py").write_text("async def main(): pass\n")
    done = bench(plain_daemon, "-n", "2", "--start", "warm", "here:main", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
