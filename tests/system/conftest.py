"""A booted systemd with the packages of this tree in it, for all tests here.

Where it cannot be had the tests are skipped, with a reason that begins with
"cannot".
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
DEBS = TREE / "build/deb"

LIMIT = 120  # seconds for a command in the machine
INSIDE = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_PAGER": "cat",
}


class Machine:
    """Runs commands in the container whose init is LEADER."""

    def __init__(self, leader):
        self.leader = leader
        self.root = pathlib.Path(f"/proc/{leader}/root")

    def words(self, words, user=None):
        inside = ["nsenter", "-t", self.leader, "-a", "--wdns=/"]
        if user is not None:
            uid = self.run("id", "-u", user).strip()
            inside += ["runuser", "-u", user, "--", "env", f"HOME=/home/{user}"]
            inside += [f"XDG_RUNTIME_DIR=/run/user/{uid}"]
        return [*inside, *words]

    def attempt(self, *words, user=None, **options):
        return subprocess.run(
            self.words(words, user),
            env=INSIDE,
            timeout=LIMIT,
            text=True,
            **{"stdin": subprocess.DEVNULL, "capture_output": True, **options},
        )

    def run(self, *words, **options):
        """What it prints; it must succeed."""
        done = self.attempt(*words, **options)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def started(self, *words, user=None, **options):
        process = subprocess.Popen(self.words(words, user), env=INSIDE, text=True, **options)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def property(self, name, unit="forkserverd.service"):
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def write(self, path, text):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def ask(self, *words, **options):
        return json.loads(self.run("forkctl", "--json", *words, **options))

    def journal(self, unit="forkserverd.service"):
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "-o", "json", "-u", unit).splitlines()
        return [json.loads(line) for line in lines]

    def alive(self, pid):
        return self.attempt("kill", "-0", str(pid)).returncode == 0

    def add_user(self, name):
        """The uid; a user who is there already is left as he is."""
        self.run("systemd-sysusers", "--inline", f"u {name} - - /home/{name} /bin/bash")
        self.run("install", "-d", "-o", name, "-g", name, f"/home/{name}")
        return self.run("id", "-u", name).strip()

    def install(self, *debs):
        for deb in debs:
            shutil.copy(deb, self.root / "root")
        self.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in debs))


def packages():
    """The packages of this tree, made anew."""
    if shutil.which("dpkg-buildpackage") is None or shutil.which("dh") is None:
        pytest.skip("cannot make packages: there is no dpkg-buildpackage with debhelper")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make", "deb"],
        cwd=TREE,
        env=inherited,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(deb for deb in DEBS.glob("*.deb") if "dbgsym" not in deb.name)


@pytest.fixture(scope="session")
def booted():
    """The machine as it boots, without packages.

    FORKSERVERD_MACHINE names one that is up already, by tests/system/boot.
    """
    if "FORKSERVERD_MACHINE" in os.environ:
        yield Machine(os.environ["FORKSERVERD_MACHINE"])
        return
    hold = 'echo "$FORKSERVERD_MACHINE"; read -r end'
    process = subprocess.Popen(
        [HERE / "boot", "sh", "-c", hold],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # It has deadlines of its own.
    leader = process.stdout.readline().strip()
    if not leader:
        _, told = process.communicate(timeout=LIMIT)
        if process.returncode == 77:
            pytest.skip(told.strip().rpartition("\n")[2])
        pytest.fail(told)
    yield Machine(leader)
    _, told = process.communicate(timeout=LIMIT)
    assert process.returncode == 1, told  # what `read` says at the end of file


@pytest.fixture(scope="session")
def debs(booted):
    return packages()


@pytest.fixture(scope="module")
def bare(booted, debs):
    """The machine without the packages, before and after."""
    names = [deb.name.partition("_")[0] for deb in debs]
    booted.run("dpkg", "--purge", *names)
    yield booted
    booted.run("dpkg", "--purge", *names)


@pytest.fixture(scope="session")
def machine(booted, debs):
    """The machine with the packages, as they come.

    They are installed once: the modules whose tests take `bare`, which purges
    them, come before all others by their names.
    """
    booted.install(*debs)
    return booted


@pytest.fixture
def service(machine):
    """The machine with the system's service ready, as it comes."""
    machine.run("systemctl", "start", "forkserverd.service")
    return machine


@pytest.fixture
def setting(machine):
    """Sets something in the unit for a test: setting("[Service]\\n...")."""
    path = "/run/systemd/system/forkserverd.service.d/test.conf"

    def setting(text):
        machine.write(path, text)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", "forkserverd.service")

    yield setting
    (machine.root / path.lstrip("/")).unlink()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", "forkserverd.service")
