"""Runs a program under forkctl and under python3.14, and compares."""

import os
import re
import subprocess

from conftest import BIN, ENVIRONMENT

# The one that the zygote is built with.
DEBUG = os.environ.get("FORKSERVERD_VARIANT") == "dbg"
PYTHON = "/usr/bin/python3.14" + ("-dbg" if DEBUG else "")
LIMIT = 60  # seconds for one program; none takes a tenth of it


def outcome(command, folder, environment):
    done = subprocess.run(
        command,
        input=b"typed",
        capture_output=True,
        cwd=folder,
        env=environment,
        timeout=LIMIT,
    )
    text = [out.decode(errors="backslashreplace") for out in (done.stdout, done.stderr)]
    return *text, done.returncode


def like_python(socket, words, folder, template="default", environment=(), hide=None):
    """Asserts that both print the same and end alike.

    ENVIRONMENT is added to that of both; what HIDE, a regular expression,
    matches in their output is not compared.
    """
    environment = {**ENVIRONMENT, **dict(environment)}
    forkctl = [BIN / "forkctl", "--socket", socket, "run", "-t", template]
    ours = outcome([*forkctl, *words], folder, environment)
    theirs = outcome([PYTHON, *words], folder, environment)
    if theirs[2] < 0:  # forkctl tells a signal as a shell does
        theirs = (*theirs[:2], 128 - theirs[2])
    if hide is not None:
        ours, theirs = (
            (re.sub(hide, "*", o), re.sub(hide, "*", e), s) for o, e, s in (ours, theirs)
        )
    assert ours == theirs
