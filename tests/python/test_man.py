"""The man pages: they render without a warning, and tell of every verb, option
and key that the programs themselves tell of, and of no other."""

import os
import pathlib
import re
import subprocess

import pytest
from conftest import BIN

PAGES = sorted((pathlib.Path(__file__).resolve().parents[2] / "systemd/man").iterdir())
OPTION = r"(?<![\w-])--?[A-Za-z][\w-]*"


def rendered(page):
    done = subprocess.run(
        ["man", "--warnings=w", "-E", "ascii", "-l", page],
        env={**os.environ, "MANWIDTH": "10000", "MANPAGER": "cat", "MAN_KEEP_STDERR": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(".\b", "", done.stdout)


def page(name):
    [found] = [page for page in PAGES if page.name == name]
    return rendered(found)


def section(text, heading, indent=""):
    """What is below HEADING, up to the next one that is no deeper."""
    found = re.search(rf"^{indent}{heading}\b.*\n((?:{indent} +.*\n|\n)*)", text, re.M)
    assert found, heading
    return found[0]


def program(*words):
    return subprocess.run(
        [BIN / words[0], *words[1:]], capture_output=True, text=True, check=True
    ).stdout


def options(text):
    """Those that begin a line, which is where they are explained."""
    heads = re.findall(r"^ +(-.*?)(?:  |$)", text, re.M)
    return {option for head in heads for option in re.findall(OPTION, head)}


def verbs():
    return re.findall(r"^  ([a-z]+)  ", program("forkctl", "--help"), re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_renders_without_a_warning(page):
    text = rendered(page)
    assert "NAME" in text and "SEE ALSO" in text


def test_forkctls_verbs_are_all_there():
    text = page("forkctl.1")
    heads = re.findall(r"^   ([a-z]+)\b", text, re.M)
    assert sorted(heads) == sorted(verbs())


@pytest.mark.parametrize("verb", verbs())
def test_forkctls_options_are_all_there(verb):
    own, _, _ = program("forkctl", "help", verb).partition("Options of every verb")
    text = page("forkctl.1")
    told = options(section(text, verb, "   "))
    if verb == "spawn":
        told |= options(section(text, "run", "   ")) - {"--no-tty", "--detach"}
    assert told == options(own)


def test_the_options_of_every_verb_are_there():
    _, _, common = program("forkctl", "--help").partition("Options of every verb")
    assert options(section(page("forkctl.1"), "DESCRIPTION")) == options(common)


def test_the_daemons_options_are_all_there():
    told = options(section(page("forkserverd.8"), "DESCRIPTION"))
    assert told == options(program("forkserverd", "--help"))


# What they are without a file depends on the machine.
DEPENDS = {"socket", "zygote", "watch"}


def keys(text):
    found = re.findall(r"^ *(\w+) = (.*)$", text, re.M)
    return {key: "..." if key in DEPENDS else value for key, value in found}


@pytest.mark.parametrize(
    "heading, table", [("SERVER", "server"), ("TEMPLATES", "template.default")]
)
def test_keys_and_their_defaults_are_all_there(heading, table, tmp_path):
    empty = tmp_path / "empty.toml"
    empty.touch()
    printed = program("forkserverd", "--config", empty, "--check-config")
    tables = dict(re.findall(r"^\[(.*)\]\n((?:\w.*\n)*)", printed, re.M))
    assert keys(section(page("forkserverd.toml.5"), heading)) == keys(tables[table])
