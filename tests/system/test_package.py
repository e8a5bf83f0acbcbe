"""The packages: installed, upgraded, removed, purged on a running system."""

import subprocess

import pytest

FOLDER = "/etc/forkserverd"


@pytest.fixture(scope="module")
def newer(debs, tmp_path_factory):
    """The same package, of a later version."""
    folder = tmp_path_factory.mktemp("newer")
    [deb] = [deb for deb in debs if deb.name.startswith("forkserverd_")]
    subprocess.run(["dpkg-deb", "-R", deb, folder / "tree"], check=True)
    control = folder / "tree/DEBIAN/control"
    text = control.read_text()
    [version] = [line for line in text.splitlines() if line.startswith("Version: ")]
    control.write_text(text.replace(version, f"{version}+1"))
    made = folder / "forkserverd_newer.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", folder / "tree", made],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made


def names(debs):
    return [deb.name.partition("_")[0] for deb in debs]


def test_installed_it_listens(machine):
    assert machine.property("UnitFileState", "forkserverd.socket") == "enabled"
    assert machine.property("ActiveState", "forkserverd.socket") == "active"
    assert machine.run("getent", "group", "forkserverd").startswith("forkserverd:")
    assert machine.run("systemctl", "is-system-running") == "running\n"
    code = "import forkserverd; print(forkserverd.connect().hello['uid'])"
    assert machine.run("python3", "-c", code) == "0\n"


def test_its_documents_are_where_they_are_looked_for(machine):
    pages = machine.run("man", "--where", "forkctl", "forkserverd", "forkserverd.toml")
    assert len(pages.split()) == 3
    load = ". /usr/share/bash-completion/bash_completion; _comp_load $0; complete -p $0"
    for program in ("forkctl", "forkserverd"):
        assert f"_{program}" in machine.run("bash", "-c", load, program)


def test_its_units_pass_systemds_check(machine):
    units = [f"forkserverd{at}.{kind}" for at in ("", "@x") for kind in ("socket", "service")]
    done = machine.attempt("systemd-analyze", "verify", "--man=no", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_instances_folder_is_there(machine):
    """As the package made it, and as a boot makes it where /etc starts empty."""

    def folder():
        return machine.run("stat", "-c", "%F %a %U %G", FOLDER)

    made = "directory 755 root root\n"
    assert folder() == made
    machine.run("rmdir", FOLDER)
    boot = ["systemd-tmpfiles", "--create", "--remove", "--boot", f"--prefix={FOLDER}"]
    machine.run(*boot)
    assert folder() == made
    # A mode of the administrator's own is kept.
    machine.run("chmod", "700", FOLDER)
    machine.run(*boot)
    assert folder() == made.replace("755", "700")


def test_an_upgrade_replaces_the_daemon_and_keeps_the_socket(machine, newer):
    machine.run("forkctl", "ping")
    daemon = machine.property("MainPID")
    socket = machine.property("ActiveEnterTimestampMonotonic", "forkserverd.socket")
    machine.install(newer)
    assert machine.property("ActiveState") == "active"
    assert machine.property("MainPID") != daemon
    again = machine.property("ActiveEnterTimestampMonotonic", "forkserverd.socket")
    assert again == socket
    machine.run("forkctl", "ping")
    # One that does not run is not started.
    machine.run("systemctl", "stop", "forkserverd.service")
    machine.install(newer)
    assert machine.property("ActiveState") == "inactive"


def test_removed_and_purged_nothing_is_left(machine, debs):
    detached = machine.ask("spawn", "-c", "import signal; signal.pause()")["pid"]
    daemon = machine.property("MainPID")
    machine.run("dpkg", "--remove", *names(debs))
    assert not machine.alive(daemon) and not machine.alive(detached)
    assert machine.run("systemctl", "is-system-running") == "running\n"
    assert machine.attempt("test", "-d", FOLDER).returncode == 0
    done = machine.run("dpkg", "--purge", *names(debs))
    assert "not empty" not in done
    left = machine.run(
        *["find", "/usr", "/etc", "/run", "/var/lib/systemd"],
        *["-name", "forkserverd*", "-o", "-name", "libforkserver*", "-o", "-name", "forkctl*"],
    )
    # What the tests and the root have of their own.
    own = ("/etc/forkserverd.toml", "/etc/forkserverd-", "/run/systemd/system/")
    assert [path for path in left.split() if not path.startswith(own)] == []


def test_purged_it_leaves_the_administrators_files(machine, debs):
    machine.install(*debs)
    machine.write(f"{FOLDER}/mine.toml", "[template.default]\n")
    machine.run("dpkg", "--purge", *names(debs))
    assert machine.run("ls", FOLDER) == "mine.toml\n"
    machine.run("rm", "-r", FOLDER)


def test_installed_anew_it_listens_again(machine, debs):
    machine.install(*debs)
    assert machine.run("forkctl", "run", "-c", "print(1)") == "1\n"
