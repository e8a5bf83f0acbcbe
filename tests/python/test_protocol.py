"""The examples of PROTOCOL.md: each line of JSON is what its bytes say.

bin is {"$bin": "hex"} in JSON, as forkctl writes it.
"""

import json
import pathlib
import re

import msgpack
import pytest

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "proto/PROTOCOL.md").read_text()
EXAMPLES = re.findall(r"^```rpc\n(.*)\n((?:[0-9a-f ]+\n)+)```$", TEXT, re.MULTILINE)


def test_none_is_overlooked():
    assert len(EXAMPLES) == TEXT.count("```rpc") >= 20


def revive(map):
    return bytes.fromhex(map["$bin"]) if map.keys() == {"$bin"} else map


@pytest.mark.parametrize("line, bytes_in_hex", EXAMPLES)
def test_example(line, bytes_in_hex):
    assert json.loads(line, object_hook=revive) == msgpack.unpackb(bytes.fromhex(bytes_in_hex))


def test_each_method_has_its_section():
    daemon = pathlib.Path(__file__).resolve().parents[2] / "daemon/dispatch.c"
    methods = re.findall(r'^\t\{ "(\w+)",', daemon.read_text(), re.MULTILINE)
    assert len(methods) >= 14
    for method in methods:
        assert f"### {method}\n" in TEXT
