"""What the completions of bash, zsh and fish offer: each verb, and each long
option of each.

All three read forkctl's help when they are asked. bash is here and says itself
what it offers (test_completion has the rest of it). For zsh and fish it is the
patterns of their scripts that count: these are taken out of them and put upon
forkctl's help as the shell would; without the shell that is as near as it gets.
"""

import functools
import pathlib
import re
import subprocess

import pytest
from conftest import BIN

SHELLS = pathlib.Path(__file__).resolve().parents[2] / "systemd"
LIMIT = 60


@functools.cache
def told(*words):
    done = subprocess.run(
        [BIN / "forkctl", *words], capture_output=True, text=True, timeout=LIMIT, check=True
    )
    return done.stdout


def verbs():
    """As the daemon's users read them: the first word of an indented line."""
    text = told("--help")
    found = [line.split()[0] for line in text.splitlines() if re.match(r"  [a-z]", line)]
    assert {"run", "spawn", "top", "metrics"} <= set(found)
    return found


VERBS = verbs()


def long_options(verb):
    """Of the lists in its help: "  -f, --follow N   what it does"."""
    lines = [line for line in told(*verb, "--help").splitlines() if re.match(r" +-", line)]
    heads = [re.split(r" {2,}", line.strip())[0] for line in lines]
    found = {name for head in heads for name in re.findall(r"(?<![\w-])--[a-z][a-z-]*", head)}
    assert "--help" in found
    return found


def sed(script, text):
    done = subprocess.run(
        ["sed", "-n", script],
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    return done.stdout.splitlines()


class Zsh:
    text = (SHELLS / "zsh-completion/_forkctl").read_text()

    def verbs(self):
        [script] = re.findall(r"forkctl --help 2>/dev/null \|\s+sed -n '([^']*)'", self.text)
        return [line.partition(":")[0] for line in sed(script, told("--help"))]

    def options(self, verb):
        [script] = re.findall(r"forkctl help \$verb 2>/dev/null \| sed -n '([^']*)'", self.text)
        # ${line%%  *}, split at commas and spaces, what is an option's name.
        assert "head=${line%%  *}" in self.text
        assert "${(M)${=head//,/ }:#-[A-Za-z-]*}" in self.text
        heads = [line.partition("  ")[0] for line in sed(script, told("help", *verb))]
        words = [word for head in heads for word in head.replace(",", " ").split()]
        return {word for word in words if re.match(r"-[A-Za-z-]", word)}


class Fish:
    text = (SHELLS / "fish-completion/forkctl.fish").read_text()

    def verbs(self):
        [pattern] = re.findall(r"--help 2>/dev/null \| string replace -rf '([^']*)'", self.text)
        return [m[1] for line in told("--help").splitlines() if (m := re.search(pattern, line))]

    def options(self, verb):
        [line] = re.findall(r"2>/dev/null \| string match -r '([^']*)' \| string trim", self.text)
        [cut] = re.findall(r"string trim \|\s+string replace -r '([^']*)' ''", self.text)
        [name] = re.findall(r"string match -ar -- '([^']*)' \$argv", self.text)
        heads = [
            re.sub(cut, "", m[0].strip(), count=1)
            for told_line in told("help", *verb).splitlines()
            if (m := re.search(line, told_line))
        ]
        return {found for head in heads for found in re.findall(name, head)}


class Bash:
    """Its function, called for a word that is a dash."""

    script = SHELLS / "bash-completion/forkctl"

    def offered(self, *words):
        code = """
. /usr/share/bash-completion/bash_completion; . "$1"; shift
COMP_WORDS=(forkctl "$@") COMP_CWORD=$#
how=$(complete -p forkctl); function=${how##*-F }
"${function% *}" forkctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
        done = subprocess.run(
            ["bash", "--norc", "-c", code, "bash", self.script, *words],
            env={"PATH": f"{BIN}:/usr/bin:/bin", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        return done.stdout.split()

    def verbs(self):
        return self.offered("")

    def options(self, verb):
        return set(self.offered(*verb, "-"))


SHELL = pytest.mark.parametrize("shell", [Bash(), Zsh(), Fish()], ids=["bash", "zsh", "fish"])


@SHELL
def test_each_verb(shell):
    # `help` is no verb of --help's list.
    assert set(shell.verbs()) | {"help"} == {*VERBS, "help"}


@SHELL
@pytest.mark.parametrize("verb", ["", *VERBS])
def test_each_long_option(shell, verb):
    words = [verb] if verb else []
    assert ("--version" in long_options(words)) == (not words)
    offered = {name for name in shell.options(words) if name.startswith("--")}
    assert offered == long_options(words)
