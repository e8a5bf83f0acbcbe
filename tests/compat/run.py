"""Tries each package in each mode of a template, and writes the table.

usage: make compat [PACKAGES="numpy lxml"]

For each package a daemon of its own, with a template for each mode that
preloads it.  In a child: used; in a promoted one also forked from, used in the
grandchild, and used again.  The table goes to daemon/zygote/COMPAT.md, unless
only some packages are tried.
"""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from packages import PACKAGES, program

TREE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["FORKSERVERD_BIN_DIR"])
TABLE = TREE / "daemon/zygote/COMPAT.md"
LIMIT = 60  # seconds a child
PYTHON = "/usr/bin/python3.14"

# Name, mode, promote.
WAYS = [
    ("legacy", "legacy", True),
    ("isolated", "isolated", True),
    ("legacy, unpromoted", "legacy", False),
    ("isolated, unpromoted", "isolated", False),
]

HEAD = """\
# Packages and modes

Made by `make compat`: each package preloaded in a template of each mode, and
used in its children; where the template is promoted also after an `os.fork()`
of the child, in the grandchild and in the child again. *Works* means all of
that. The same program under `python3.14` itself stands beside it. What each
program does is in `tests/compat/packages.py`.

"""


def start(folder, package):
    config = folder / "config.toml"
    config.write_text(
        "".join(
            f'[template.t{i}]\nmode = "{mode}"\npromote = {json.dumps(promote)}\n'
            f"start = \"demand\"\npreload = {json.dumps(['trio', *package.modules])}\n"
            f"allow = {json.dumps(list(package.allow))}\n"
            for i, (_, mode, promote) in enumerate(WAYS)
        )
    )
    ready, ready_end = os.pipe()
    command = [BIN / "forkserverd", "--config", config, "--socket", folder / "socket"]
    command += ["--set", "template.default.start=demand"]
    daemon = subprocess.Popen(
        [*command, "--log-level", "error", "--ready-fd", str(ready_end)],
        pass_fds=[ready_end],
        stderr=open(folder / "log", "w"),
    )
    os.close(ready_end)
    with open(ready) as pipe:
        if pipe.readline() != "\n":
            sys.exit("compat: the daemon did not start")
    return daemon, folder / "socket"


def error_in(text):
    """What came first: those behind it are of its making."""
    errors = re.findall(r"^\w[\w.]*(?:Error|Exception)\b.*", text, re.MULTILINE)
    return errors[0] if errors else (text.strip() or "no word").splitlines()[-1]


def outcome(command, package, fork):
    """'works', or what did not, in a line."""
    try:
        run = subprocess.run(
            [*command, "-c", program(package, fork)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as exc:
        used = b"used" in (exc.stdout or b"")
        return f"{'used, but hangs after a fork' if used else 'hangs'}"
    if run.returncode == 0:
        return "works"
    if run.returncode == 125:
        return f"not preloaded: {error_in(run.stderr)}"
    stage = "used, but not after a fork" if "used" in run.stdout else "not used"
    if run.returncode > 128:
        return f"{stage}: signal {run.returncode - 128}"
    return f"{stage}: {error_in(run.stderr)}"


def version(package):
    name = package.modules[0].partition(".")[0]
    for distribution in (name, {"PIL": "pillow", "grpc": "grpcio", "zmq": "pyzmq"}.get(name)):
        try:
            return importlib.metadata.version(distribution or "")
        except (importlib.metadata.PackageNotFoundError, ValueError):
            pass
    return "of Python"


def try_package(package):
    with tempfile.TemporaryDirectory() as folder:
        daemon, socket = start(pathlib.Path(folder), package)
        try:
            outcomes = [outcome([PYTHON], package, fork=True)]
            for i, (_, _, promote) in enumerate(WAYS):
                command = [BIN / "forkctl", "--socket", socket, "run", "-t", f"t{i}"]
                outcomes.append(outcome(command, package, fork=promote))
            for (name, *_), word in zip([("python3.14",), *WAYS], outcomes):
                print(f"{package.name}, {name}: {word}", flush=True)
            return outcomes
        finally:
            daemon.terminate()
            daemon.wait(60)


def row(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table(rows):
    """Cells that say why are footnotes: a table's cells are short."""
    notes = []
    text = row(["package", "version", "python3.14", *(way for way, _, _ in WAYS)])
    text += row(["---"] * (3 + len(WAYS)))
    for package, outcomes in rows:
        cells = []
        for outcome in outcomes:
            short, _, why = outcome.partition(": ")
            if why and why not in notes:
                notes.append(why)
            cells.append(f"{short} ({notes.index(why) + 1})" if why else short)
        text += row([package.name, version(package), *cells])
    return text + "\n" + "".join(f"{i}. `{note}`\n" for i, note in enumerate(notes, 1))


def main():
    wanted = os.environ.get("PACKAGES", "").split()
    tried = [p for p in PACKAGES if not wanted or p.name.split()[0] in wanted]
    rows = [(package, try_package(package)) for package in tried]
    if not wanted:
        TABLE.write_text(HEAD + f"Python {sys.version.split()[0]}.\n\n" + table(rows))
    else:
        print(table(rows))
    # A promoted child does as python3.14 does.
    same = [o == outcomes[0] for _, outcomes in rows for o in outcomes[1:3]]
    print(f"{sum(same)} passed, {len(same) - sum(same)} failed (promoted, as python3.14)")
    return not all(same)


sys.exit(main())
