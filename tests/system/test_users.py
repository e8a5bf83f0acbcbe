"""Root's daemon and three uids: as whom children run, and that nothing leads
from one user to another, or to root."""

import pytest
from openers import Openers

FOREVER = "import signal; signal.pause()"

CONFIG = """
[server]
allow_groups = ["forkserverd"]
[template.default]
user = "peer"
[template.shared]
user = "games"
[template.hers]
user = "alice"
path = ["/home/alice/lib"]
preload = ["planted"]
"""

# Ids and capabilities, and each way to other ones that is open.
WHO = """
import os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(*os.getresuid(), *os.getresgid())
print(*sorted(os.getgroups()))
print(*(int(status["Cap" + kind], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")))
ways = [
    lambda: os.setuid(0), lambda: os.setresuid(-1, 0, -1), lambda: os.setresuid(0, 0, 0),
    lambda: os.setgid(0), lambda: os.setresgid(-1, 0, -1), lambda: os.setgroups([0]),
    lambda: open("/etc/shadow"), lambda: os.chroot("/"), lambda: os.nice(-1),
]
for number, way in enumerate(ways):
    try:
        way()
    except PermissionError:
        continue
    print("open:", number)
"""

# Each way into the processes of argv that is open; that nobody is there is no
# answer.
INTO = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def trace(pid):
    if libc.ptrace(0x4206, pid, None, None) == -1:  # PTRACE_SEIZE
        raise OSError(ctypes.get_errno(), "ptrace")
ways = {
    "signal": lambda pid: os.kill(pid, 0), "ptrace": trace,
    "descriptors": lambda pid: os.listdir(f"/proc/{pid}/fd"),
    **{file: lambda pid, file=file: open(f"/proc/{pid}/{file}", "rb").close()
       for file in ("environ", "mem", "maps")},
    "a descriptor": lambda pid: libc_pidfd_getfd(pid),
}
def libc_pidfd_getfd(pid):
    if libc.syscall(438, os.pidfd_open(pid), 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
for pid in map(int, sys.argv[1:]):
    for name, way in ways.items():
        try:
            way(pid)
        except PermissionError:
            continue
        print("open:", name, pid)
print("looked")
"""


# All that may be asked of a child, and the lists of children.
ASK = """
exec 2>&1
for id; do
	for verb in inspect cancel kill wait dump attach detach logs events; do
		forkctl $verb $id; echo $?
	done
	forkctl signal $id KILL; echo $?
done
forkctl ps --all; forkctl ps --tree; forkctl top
"""


@pytest.fixture(scope="module")
def team(machine):
    """alice and bob may use the system's daemon: {name: uid}."""
    config = machine.root / "etc/forkserverd.toml"
    before = config.read_text() if config.exists() else None
    uids = {"root": "0"}
    for name in ("alice", "bob"):
        uids[name] = machine.add_user(name)
        machine.run("systemd-sysusers", "--inline", f"m {name} forkserverd")
    lib = "/home/alice/lib"
    machine.write(f"{lib}/planted.py", "")
    machine.run("chown", "-R", "alice:alice", "/home/alice")
    machine.write("/etc/forkserverd.toml", CONFIG)
    machine.run("systemctl", "restart", "forkserverd.service")
    yield uids
    machine.run("rm", "-r", lib)
    if before is None:
        config.unlink()
    else:
        config.write_text(before)
    machine.run("systemctl", "restart", "forkserverd.service")


def forkctl(machine, name, *words):
    return machine.run("forkctl", *words, user=None if name == "root" else name)


@pytest.mark.parametrize("start", ["--warm", "--cold"])
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_child_is_its_user(machine, team, name, start):
    gid = machine.run("id", "-g", name).strip()
    groups = sorted(map(int, machine.run("id", "-G", name).split()))
    told = forkctl(machine, name, "run", start, "-c", WHO).splitlines()
    assert told[0].split() == [team[name]] * 3 + [gid] * 3
    # The kernel's list may have the gid itself, or not.
    assert {*map(int, told[1].split()), int(gid)} == set(groups)
    assert told[2:] == ["0 0 0 0 0"]


def test_a_shared_template_is_its_own_user(machine, team):
    uid, gid = machine.run("id", "-u", "games").strip(), machine.run("id", "-g", "games").strip()
    for name in team:
        told = forkctl(machine, name, "run", "-t", "shared", "-c", WHO).splitlines()
        assert told == [" ".join([uid] * 3 + [gid] * 3), gid, "0 0 0 0 0"]


def test_roots_child_is_roots(machine, team):
    told = forkctl(machine, "root", "run", "-c", WHO).splitlines()
    assert told[0] == "0 0 0 0 0 0"
    assert "open: 0" in told


def reaches(machine, name, pids):
    """Each way from NAME's process, and from a child of his, to PIDS."""
    told = machine.run("python3.14", "-c", INTO, *pids, user=name)
    told += machine.run("forkctl", "run", "-c", INTO, *pids, user=name)
    return told.splitlines()


def test_nobody_reaches_anothers(machine, team):
    child = machine.ask("spawn", "-c", FOREVER, user="alice")
    roots = machine.ask("spawn", "-c", FOREVER)
    zygotes = {
        template["uid"]: template["pid"]
        for template in machine.ask("templates")["templates"]
        if template["name"] == "default" and "pid" in template
    }
    hers = zygotes[int(team["alice"])]
    daemon = machine.property("MainPID")
    for pids in ([child["pid"], hers], [roots["pid"], daemon]):
        assert reaches(machine, "bob", [*map(str, pids)]) == ["looked", "looked"]
    # The same looks find what is open where it is.
    assert f"open: signal {child['pid']}" in reaches(machine, "alice", [str(child["pid"])])

    told = machine.run("bash", "-c", ASK, "ask", *(str(c["id"]) for c in (child, roots)), user="bob")
    for other in (child, roots):
        assert told.count(f"no child {other['id']}\n125\n") == told.count("125\n") / 2 == 10, told
        assert not any(
            line.split()[:2] == [str(other["id"]), str(other["pid"])] for line in told.split("\n")
        )
        assert machine.alive(other["pid"])
    templates = machine.ask("templates", user="bob")["templates"]
    assert {template.get("uid") for template in templates} <= {
        None,
        int(team["bob"]),
        int(machine.run("id", "-u", "games")),
        int(team["alice"]),  # hers, which is for all
    }
    assert hers not in {template.get("pid") for template in templates}
    for verb in ("shutdown", "drain", "reload"):
        done = machine.attempt("forkctl", verb, user="bob")
        assert done.returncode == 125, (verb, done)
        assert f'denied: uid {team["bob"]} may not ask for "{verb}"' in done.stderr
    machine.run("forkctl", "kill", str(child["id"]), user="alice")
    machine.run("forkctl", "kill", str(roots["id"]))


# Python runs or imports each of these where it looks for one.
PLANTED = ["sitecustomize.py", "usercustomize.py", "planted.py"]
TELL = "import os; print(os.geteuid(), file=open('/home/alice/told', 'a'))\n"


def test_what_is_a_users_is_read_by_no_root(machine, team):
    site = "/home/alice/.local/lib/python3.14/site-packages"
    for folder in ("/home/alice/lib", site):
        for name in PLANTED:
            machine.write(f"{folder}/{name}", TELL)
    machine.write(f"{site}/planted.pth", TELL)
    machine.run("chown", "-R", "alice:alice", "/home/alice")
    folders = ["/home/alice", "/home/alice/lib", "/home/alice/.local", site]
    with Openers(machine.root, folders, "forkserverd.service") as openers:
        machine.run("systemctl", "restart", "forkserverd.service")
        environment = f"PYTHONPATH=/home/alice/lib PYTHONHOME= PYTHONSTARTUP={site}/planted.py"
        for words in (
            ["env", *environment.split(), "forkctl", "run", "-c", "import planted"],
            ["env", "-C", "/home/alice/lib", "forkctl", "run", "-m", "planted"],
            ["forkctl", "run", "/home/alice/lib/planted.py"],
            ["forkctl", "run", "-t", "hers", "--cold", "-c", "import planted"],
            ["forkctl", "run", "-t", "hers", "-c", "import planted"],
        ):
            machine.run(*words, user="alice")
        # Root and bob use hers.
        forkctl(machine, "root", "run", "-t", "hers", "-c", "import planted")
        forkctl(machine, "bob", "run", "-t", "hers", "-c", "import planted")
        machine.run("forkctl", "reload", "hers")
    told = (machine.root / "home/alice/told").read_text().split()
    machine.run("rm", "-r", "/home/alice/.local", "/home/alice/told")
    assert set(told) == {team["alice"]}
    # Whose it is, all of it: the service's processes have opened nothing else.
    assert openers.uids == {int(team["alice"])}


CONFINED = {
    "no_new_privs": ["setpriv", "--no-new-privs"],
    "seccomp": ["systemd-run", "--quiet", "--pipe", "-p", "SystemCallFilter=~@reboot"],
    "user namespace": ["unshare", "--user", "--map-root-user"],
    "pid namespace": ["unshare", "--pid", "--fork"],
}


@pytest.mark.parametrize("what", CONFINED)
def test_the_confined_are_refused(machine, team, what):
    done = machine.attempt(*CONFINED[what], "forkctl", "ping")
    assert done.returncode == 125 and what in done.stderr, done
    told = [e for e in machine.journal() if e.get("FORKSERVERD_OP") == "refuse"]
    assert what in told[-1]["MESSAGE"]
    assert told[-1]["PRIORITY"] == "4"
    machine.run("forkctl", "ping")


def test_whom_nobody_has_allowed(machine, team):
    uid = machine.add_user("carol")
    done = machine.attempt("forkctl", "ping", user="carol")
    assert done.returncode == 125 and "ermission denied" in done.stderr, done
    # One whom the socket's mode lets in.
    machine.run("chmod", "666", "/run/forkserverd.sock")
    done = machine.attempt("forkctl", "ping", user="carol")
    machine.run("chmod", "660", "/run/forkserverd.sock")
    assert done.returncode == 125, done
    assert f"uid {uid} may not use the daemon of uid 0" in done.stderr
