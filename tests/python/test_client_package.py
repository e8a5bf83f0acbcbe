"""The Python client as a wheel, built without a network."""

import email
import pathlib
import re
import shutil
import subprocess
import zipfile

import forkserverd
import pytest
from conftest import ENVIRONMENT, HERE
from like import PYTHON

TREE = HERE.parents[1]
PACKAGE = TREE / "client/python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(PACKAGE, folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from setuptools.build_meta import build_wheel as build; print(build('..'))"
    done = subprocess.run(
        [PYTHON, "-c", code], cwd=folder / "src", env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


def test_what_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [told] = [name for name in names if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(told))
    modules = {f"forkserverd/{p.name}" for p in (PACKAGE / "forkserverd").glob("*.py")}
    assert {n for n in names if ".dist-info/" not in n} == {*modules, "forkserverd/py.typed"}
    assert metadata["Requires-Python"] == ">=3.11"
    assert [need.split(";")[0] for need in metadata.get_all("Requires-Dist")] == [
        "msgpack>=1.0.3",
        "trio>=0.22.2",
    ]
    version = re.search(r"^VERSION := (.*)$", (TREE / "Makefile").read_text(), re.MULTILINE)[1]
    assert metadata["Version"] == forkserverd.__version__ == version


def test_it_works(wheel, plain_daemon, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = f"import forkserverd; print(forkserverd.__file__);\nwith forkserverd.connect({str(plain_daemon)!r}) as c: print(c.run('math:sqrt', 4))"
    done = subprocess.run(
        [PYTHON, "-c", code],
        env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    place, root = done.stdout.split()
    assert (pathlib.Path(place).parent.parent, root) == (tmp_path, "2.0"), done.stderr
