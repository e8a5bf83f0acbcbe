"""A libpython with another layout than the one that was built against.

Each test plants one wrong figure in a copy of the library's debug offsets: the
template must serve cold, saying which figure it was, and never crash.
"""

import json
import pathlib
import re
import struct
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT, running

ZYGOTE = BIN / "forkserver-zygote"
HEADER = pathlib.Path("/usr/include/python3.14/internal/pycore_debug_offsets.h")

# Where in struct _Py_DebugOffsets, and what the guard calls it.
PLANTS = {
    "version": "version",
    "free_threaded": "free_threaded",
    "runtime_state.size": "sizeof(_PyRuntimeState)",
    "runtime_state.interpreters_head": "interpreters.head",
    "interpreter_state.size": "sizeof(PyInterpreterState)",
    "interpreter_state.next": "PyInterpreterState.next",
    "interpreter_state.threads_head": "PyInterpreterState.threads.head",
    "thread_state.size": "sizeof(PyThreadState)",
    "thread_state.native_thread_id": "PyThreadState.native_thread_id",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def offsets():
    """Of each figure in struct _Py_DebugOffsets, by the header."""
    text = HEADER.read_text()
    body = text[text.index("typedef struct _Py_DebugOffsets {") :]
    found, at, group = {}, 8, ""  # behind the cookie
    for line in body.splitlines():
        if match := re.match(r"\s+struct _(\w+) ?\{", line):
            group = match[1] + "."
        elif re.match(r"\s+\} \w+;", line):
            group = ""
        elif match := re.match(r"\s+uint64_t (\w+);", line):
            found[group + match[1]] = at
            at += 8
        elif line.startswith("}"):
            break
    return found


def library():
    """The libpython that the zygote loads."""
    return pathlib.Path(re.search(r"libpython\S+ => (\S+)", run("ldd", ZYGOTE))[1])


def place_of_runtime(path):
    """Where in the file the object _PyRuntime begins."""
    symbols = run("readelf", "-W", "--dyn-syms", path)
    symbol = re.search(r": (\w+) +\w+ OBJECT .* _PyRuntime$", symbols, re.MULTILINE)
    address = int(symbol[1], 16)
    for line in run("readelf", "-Wl", path).splitlines():
        words = line.split()
        if words[:1] == ["LOAD"]:
            offset, start, _, size = (int(w, 16) for w in words[1:5])
            if start <= address < start + size:
                return offset + address - start
    raise LookupError("_PyRuntime")


@pytest.fixture(scope="module")
def runtime():
    return place_of_runtime(library())


@pytest.fixture
def planted(tmp_path):
    """Starts a daemon whose zygotes load the library as PATCH leaves it."""

    def start(patch):
        copy = tmp_path / library().name
        data = bytearray(library().read_bytes())
        patch(data)
        copy.write_bytes(data)
        program = tmp_path / "forkserver-zygote"
        program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={tmp_path} exec {ZYGOTE} "$@"\n')
        program.chmod(0o755)
        log = open(tmp_path / "log", "w")
        return running(tmp_path, ["--set", f"server.zygote={program}"], stderr=log)

    return start


def forkctl(socket, *words):
    return subprocess.run(
        [BIN / "forkctl", "--socket", socket, *words],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def template(socket):
    (told,) = json.loads(forkctl(socket, "--json", "status").stdout)["templates"]
    return told


def check_cold(socket, log, reason):
    told = template(socket)
    assert (told["way"], told["failures"], told["reason"]) == ("cold", 0, reason)
    assert f"op=cold: {reason}" in log.read_text()
    code = "import trio; trio.run(trio.sleep, 0); print('ran')"
    child = forkctl(socket, "run", "-c", code)
    assert (child.returncode, child.stdout) == (0, "ran\n"), child.stderr


@pytest.mark.parametrize("figure", PLANTS)
def test_a_wrong_figure_is_found(planted, runtime, tmp_path, figure):
    at = runtime + offsets()[figure]
    wrong = None

    def patch(data):
        nonlocal wrong
        (right,) = struct.unpack_from("<Q", data, at)
        # Another minor version; of the rest eight more.
        wrong = right + (0x10000 if figure == "version" else 8)
        struct.pack_into("<Q", data, at, wrong)

    with planted(patch) as socket:
        shown = wrong >> 16 if figure == "version" else wrong
        right = shown - (1 if figure == "version" else 8)
        check_cold(
            socket,
            tmp_path / "log",
            f"layout of libpython: {PLANTS[figure]} is {shown}, built for {right}",
        )


def test_a_library_without_offsets_is_found(planted, runtime, tmp_path):
    def patch(data):
        assert data[runtime : runtime + 8] == b"xdebugpy"
        data[runtime] ^= 1

    with planted(patch) as socket:
        check_cold(socket, tmp_path / "log", "layout of libpython: no debug offsets")


def test_another_patch_release_of_that_layout_will_do(planted, runtime, tmp_path):
    at = runtime + offsets()["version"]

    def patch(data):
        (version,) = struct.unpack_from("<Q", data, at)
        struct.pack_into("<Q", data, at, version + 0x100)

    with planted(patch) as socket:
        assert template(socket)["way"] == "promoted"
