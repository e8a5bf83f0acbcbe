"""make install puts everything in its place, make uninstall takes it away."""

import os
import pathlib
import shutil
import subprocess
import sysconfig

import conftest
import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]

PYTHON = f"lib/python3.14/{pathlib.Path(sysconfig.get_path('purelib')).name}"
PACKAGE = TREE / "client/python/forkserverd"

INSTALLED = sorted(
    """
bin/forkctl
bin/forkserverd
include/forkserver.h
lib/libforkserver.a
lib/libforkserver.so
lib/libforkserver.so.0
lib/pkgconfig/forkserver.pc
lib/systemd/system/forkserverd.service
lib/systemd/system/forkserverd.socket
lib/systemd/system/forkserverd@.service
lib/systemd/system/forkserverd@.socket
lib/systemd/user/forkserverd.service
lib/systemd/user/forkserverd.socket
lib/sysusers.d/forkserverd.conf
lib/tmpfiles.d/forkserverd.conf
libexec/forkserverd/forkserver-zygote
share/bash-completion/completions/forkctl
share/bash-completion/completions/forkserverd
share/doc/forkserverd/examples/actors.py
share/doc/forkserverd/examples/executor.py
share/doc/forkserverd/examples/forkserverd.toml
share/doc/forkserverd/examples/nursery.py
share/fish/vendor_completions.d/forkctl.fish
share/man/man1/forkctl.1
share/man/man5/forkserverd.toml.5
share/man/man8/forkserverd.8
share/zsh/site-functions/_forkctl
""".split()
    + [f"{PYTHON}/forkserverd/{p.name}" for p in [*PACKAGE.glob("*.py"), PACKAGE / "py.typed"]]
)

PROGRAM = r"""
#include <forkserver.h>
#include <stdio.h>
int main(void)
{
	struct forkserver_error e;
	struct forkserver *fs = forkserver_connect("/nonexistent", 1000, &e);
	if (fs == NULL)
		puts(e.message);
	return fs != NULL;
}
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A prefix into which a copy of the tree, built for it, is installed."""
    if os.environ.get("FORKSERVERD_VARIANT", "obj") != "obj":
        pytest.skip("cannot differ: what is installed is the release")
    copy = tmp_path_factory.mktemp("copy") / "tree"
    shutil.copytree(TREE, copy, ignore=shutil.ignore_patterns("build", ".git"))
    ran = copy / "client/python/examples/__pycache__"
    ran.mkdir(exist_ok=True)
    (ran / "workers.cpython-314.pyc").touch()
    prefix = tmp_path_factory.mktemp("prefix") / "usr"
    make(copy, "install", prefix)
    yield prefix
    make(copy, "uninstall", prefix)
    assert files_of(prefix) == []


def make(tree, goal, prefix):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-j2", goal, "DESTDIR=/", f"PREFIX={prefix}"],
        cwd=tree,
        env=inherited,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def files_of(prefix):
    return sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if not p.is_dir())


def test_files(stage):
    assert files_of(stage) == INSTALLED


@pytest.mark.parametrize("whose", ["system", "user"])
def test_units_pass_systemds_check(stage, tmp_path, whose):
    units = sorted((stage / f"lib/systemd/{whose}").iterdir())
    # A template is checked as an instance of it.
    names = [unit.with_name(unit.name.replace("@.", "@x.")) for unit in units]
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--{whose}", "--man=no", *names],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_installed_programs_work_together(stage, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[server]\ngrace = 1.5\n")
    with conftest.running(
        tmp_path, ["--config", config], program=stage / "bin/forkserverd"
    ) as socket:
        done = subprocess.run(
            [stage / "bin/forkctl", "--socket", socket, "run", "-c", "print(6 * 7)"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


def test_the_installed_python_client_works(stage, plain_daemon, tmp_path):
    """As any installed package: a child has its own, not the client's."""
    code = f"import forkserverd; print(forkserverd.connect({str(plain_daemon)!r}).run(len, 'four'))"
    done = subprocess.run(
        ["python3.14", "-c", code],
        cwd=tmp_path,
        env={**conftest.ENVIRONMENT, "PYTHONPATH": str(stage / PYTHON)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


@pytest.mark.parametrize("library", ["-lforkserver", "-l:libforkserver.a -lmsgpack-c"])
def test_a_program_builds_with_the_library(stage, tmp_path, library):
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    program = tmp_path / "program"
    lib = stage / "lib"
    subprocess.run(
        ["gcc", "-std=c99", "-Wall", "-Werror", "-pedantic", source, "-o", program]
        + [f"-I{stage}/include", f"-L{lib}", *library.split()],
        check=True,
    )
    done = subprocess.run(
        [program],
        env={**os.environ, "LD_LIBRARY_PATH": str(lib)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "No such file" in done.stdout
