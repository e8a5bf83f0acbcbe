"""Completion in bash, found as bash-completion finds it."""

import os
import pathlib
import subprocess

import pytest
from conftest import BIN

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "systemd/bash-completion"

# What Tab does: load what is there for the first word, call it for the last.
TAB = """
. /usr/share/bash-completion/bash_completion
_comp_load "$1"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
how=$(complete -p "$1")
function=${how##*-F }
"${function% *}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(tmp_path):
    folder = tmp_path / "share/bash-completion"
    folder.mkdir(parents=True)
    (folder / "completions").symlink_to(SCRIPTS)
    (tmp_path / "here.toml").touch()

    def tab(*words):
        done = subprocess.run(
            ["bash", "--norc", "-c", TAB, "tab", *map(str, words)],
            env={
                **os.environ,
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "XDG_DATA_DIRS": str(tmp_path / "share"),
                # An administrator's, or a package's own, are not looked at.
                "BASH_COMPLETION_USER_DIR": str(tmp_path / "none"),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        # There is no Tab pressed, which is all that compopt has to say.
        told = [line for line in done.stderr.splitlines() if "compopt: not currently" not in line]
        assert (done.returncode, told) == (0, [])
        return done.stdout.split()

    return tab


def test_verbs(tab):
    assert tab("forkctl", "s") == ["spawn", "signal", "status", "shutdown"]
    assert "help" in tab("forkctl", "")
    assert tab("forkctl", "--socket", "/x", "pi") == ["ping"]
    assert tab("forkctl", "help", "du") == ["dump"]


def test_options(tab):
    assert tab("forkctl", "--so") == ["--socket"]
    assert tab("forkctl", "run", "--st") == ["--start-timeout", "--stdin", "--stdout", "--stderr"]
    assert tab("forkctl", "ps", "-") == ["-a", "--all", "-t", "--tree", *COMMON]
    assert "-C" in tab("forkctl", "run", "-")
    assert tab("forkserverd", "--c") == ["--config", "--check-config"]


COMMON = ["--socket", "--json", "--help"]


def test_values(tab):
    assert tab("forkctl", "run", "--ready", "") == ["told", "notify"]
    assert tab("forkctl", "bench", "--start", "w") == ["warm"]
    assert tab("forkctl", "doctor", "--config", "he") == ["here.toml"]
    assert tab("forkctl", "run", "he") == ["here.toml"]
    assert tab("forkctl", "signal", "7", "SIGTER") == ["SIGTERM"]
    assert tab("forkserverd", "--log-level", "w") == ["warn"]
    assert tab("forkserverd", "--set", "server.max_c") == [
        "server.max_clients=",
        "server.max_children=",
    ]


def test_what_the_daemon_has(tab, daemon):
    def ask(*words):
        return tab("forkctl", "--socket", daemon, *words)

    assert ask("run", "-t", "def") == ["default"]
    assert ask("templates", "") == ["default"]
    spawn = [BIN / "forkctl", "--socket", daemon, "spawn", "-c", "import signal; signal.pause()"]
    child = subprocess.run(spawn, capture_output=True, text=True, check=True).stdout.strip()
    for verb in ("inspect", "kill", "wait", "signal", "events"):
        assert ask(verb, "") == [child]
    subprocess.run([BIN / "forkctl", "--socket", daemon, "kill", child], check=True)
