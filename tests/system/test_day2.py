"""systemd/README.md: its commands are run as they are written there, in their
order, and print what it says. `#` is root's, `$` alice's, `>` goes on."""

import fnmatch
import os
import re
import select
import shutil
import subprocess
import time

import pytest
from conftest import INSIDE, LIMIT, TREE

PAGE = TREE / "systemd/README.md"
FOLDER = "/srv/packages"  # that alice may enter


def sections():
    """The headings, each with its commands: prompt, text, expected lines."""
    parts = re.split(r"^## (.*)\n", PAGE.read_text(), flags=re.M)[1:]
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        commands = []
        for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
            for line in block.splitlines():
                if line[:2] in ("# ", "$ "):
                    commands.append((line[0], line[2:], []))
                elif line.startswith("> "):
                    commands[-1] = (commands[-1][0], f"{commands[-1][1]}\n{line[2:]}", [])
                else:
                    commands[-1][2].append(line)
        yield heading, commands


class Shell:
    """A bash in the machine, which keeps its variables."""

    def __init__(self, words):
        self.process = subprocess.Popen(
            words,
            env=INSIDE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.number = 0

    def run(self, command):
        """Its exit status, and what it printed."""
        self.number += 1
        mark = f"end of {self.number}:"
        script = f"{{ {command}\n}} </dev/null\necho '{mark}' $?\n"
        self.process.stdin.write(script.encode())
        self.process.stdin.flush()
        output = b""
        until = time.monotonic() + LIMIT
        while not (found := re.search(rf"^{mark} (\d+)\n", output.decode(), re.M)):
            left = max(until - time.monotonic(), 0)
            assert select.select([self.process.stdout], [], [], left)[0], f"{command}: too long"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"{command}: {output.decode()}"
            output += more
        return int(found[1]), output.decode()[: found.start()]

    def end(self):
        self.process.stdin.close()
        self.process.wait(LIMIT)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def shells(bare, debs):
    (bare.root / FOLDER.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for deb in debs:
        shutil.copy(deb, bare.root / FOLDER.lstrip("/"))
    bare.run("rm", "-rf", "/etc/forkserverd.toml", "/etc/forkserverd")
    uid = bare.add_user("alice")
    bare.run("systemctl", "start", f"user@{uid}.service")
    shells = {"#": Shell(bare.words(["bash"])), "$": Shell(bare.words(["bash"], user="alice"))}
    assert shells["#"].run(f"cd {FOLDER}")[0] == 0
    yield shells
    for shell in shells.values():
        shell.end()
    bare.run("systemctl", "stop", f"user@{uid}.service")


def check(expected, printed):
    lines = iter(printed.splitlines())
    for wanted in expected:
        if wanted == "…":
            continue
        escaped = "".join(f"[{c}]" if c in "*?[" else c for c in wanted)
        pattern = escaped.replace("…", "*")
        assert any(fnmatch.fnmatchcase(line, pattern) for line in lines), (
            f"no line {wanted!r} in its place in\n{printed}"
        )


SECTIONS = list(sections())


@pytest.mark.parametrize("heading, commands", SECTIONS, ids=[h for h, _ in SECTIONS])
def test_section(shells, heading, commands):
    for who, command, expected in commands:
        status, printed = shells[who].run(command)
        assert status == 0, f"{who} {command}\n{printed}"
        check(expected, printed)
        if not expected and "apt-get" not in command and "systemctl" not in command:
            assert printed == "", f"{who} {command}"
