"""The system's service, under systemd itself."""

import subprocess

FOREVER = "import signal; print('up', flush=True); signal.pause()"


def test_the_first_connection_starts_it(machine):
    machine.run("systemctl", "stop", "forkserverd.service")
    assert machine.property("ActiveState") == "inactive"
    assert machine.property("ActiveState", "forkserverd.socket") == "active"
    assert machine.run("forkctl", "run", "-c", "print(6 * 7)") == "42\n"
    assert machine.property("ActiveState") == "active"
    socket = machine.run("stat", "-c", "%a %U %G", "/run/forkserverd.sock")
    assert socket == "660 root forkserverd\n"


def test_status_is_shown(service, setting):
    status = service.property("StatusText")
    assert status == "1 of 1 templates ready, on /run/forkserverd.sock"
    setting("[Service]\nEnvironment=FORKSERVERD_TEMPLATE_BAD_PRELOAD=no_such_module\n")
    status = service.property("StatusText")
    assert status.endswith("; failed: bad"), status
    assert status in service.run("systemctl", "status", "forkserverd.service")


def test_a_stuck_loop_is_restarted(service, setting):
    setting("[Service]\nWatchdogSec=2\n")
    stuck = service.property("MainPID")
    service.run("kill", "-STOP", stuck)
    # The connection waits for the next daemon.
    service.run("forkctl", "ping")
    assert service.property("MainPID") not in (stuck, "0")
    assert service.property("Result") == "success"
    assert service.property("NRestarts") == "1"
    assert any("Watchdog timeout" in e["MESSAGE"] for e in service.journal())


def test_a_stuck_zygote_is_replaced(service, setting):
    # A spawn would take a standby, which is there already.
    setting("[Service]\nEnvironment=FORKSERVERD_SERVER_MAX_STANDBYS=0\n")
    daemon = service.property("MainPID")
    stuck = service.ask("templates")["templates"][0]["pid"]
    service.run("kill", "-STOP", str(stuck))
    assert service.run("forkctl", "run", "-c", "print(1)") == "1\n"
    template = service.ask("templates")["templates"][0]
    assert (template["state"], template["pid"] != stuck) == ("ready", True)
    assert service.property("MainPID") == daemon
    told = [e for e in service.journal() if "did not answer for 5 s" in e["MESSAGE"]]
    assert any("template=default" in e["MESSAGE"] for e in told)


def test_stop_ends_all(service):
    detached = service.ask("spawn", "-c", FOREVER)["pid"]
    with service.started(
        "forkctl", "run", "-c", FOREVER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as leased:
        assert leased.stdout.readline() == "up\n"
        pids = [child["pid"] for child in service.ask("ps")["children"]]
        assert detached in pids and len(pids) == 2
        pids += [service.property("MainPID")]
        service.run("systemctl", "stop", "forkserverd.service")
        assert leased.wait(60) != 0
    assert [pid for pid in pids if service.alive(pid)] == []
    assert service.property("Result") == "success"
    assert not (service.root / "sys/fs/cgroup/system.slice/forkserverd.service").exists()


def test_what_a_killed_daemon_leaves_is_ended(service):
    detached = service.ask("spawn", "--no-contain", "-c", FOREVER)["pid"]
    daemon = service.property("MainPID")
    service.run("kill", "-KILL", daemon)
    # The connection waits for the next daemon, and that for the old one's rest.
    service.run("forkctl", "ping")
    assert service.property("MainPID") not in (daemon, "0")
    assert not service.alive(detached)


def test_each_child_has_a_control_group_of_its_own(service):
    mine = service.run("forkctl", "run", "-c", "print(open('/proc/self/cgroup').read())")
    assert "/system.slice/forkserverd.service/child-" in mine
    daemon = service.property("MainPID")
    group = (service.root / f"proc/{daemon}/cgroup").read_text()
    assert group.endswith("/system.slice/forkserverd.service/daemon\n")


# Of a service's environment, what is no business of the daemon's alone.
GENERAL = "LANG LC_ALL PATH USER HOME SHELL LOGNAME".split()
ENVIRONMENT_OF_TEMPLATE = """
import forkserverd
with forkserverd.connect(env="template") as client:
    print(*client.run("builtins:eval", "list(__import__('os').environ)"))
"""


def test_a_child_has_neither_the_daemons_limits_nor_its_environment(service):
    code = "import resource as r; print(*r.getrlimit(r.RLIMIT_NOFILE))"
    soft, hard = service.run("forkctl", "run", "-c", code).split()
    daemon = service.property("MainPID")
    limits = (service.root / f"proc/{daemon}/limits").read_text()
    assert soft == "1024"
    [daemons] = [line for line in limits.splitlines() if "open files" in line]
    assert daemons.split()[3:5] == [hard, hard]
    childs = service.run("python3", "-c", ENVIRONMENT_OF_TEMPLATE).split()
    told = (service.root / f"proc/{daemon}/environ").read_text().split("\0")
    systemds = {variable.partition("=")[0] for variable in told} - {"", *GENERAL}
    assert {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "INVOCATION_ID"} <= systemds
    assert "PATH" in childs and not systemds & set(childs)


def test_a_child_has_the_units_oom_score(service, setting):
    setting("[Service]\nOOMScoreAdjust=300\n")
    code = "print(open('/proc/self/oom_score_adj').read(), end='')"
    assert service.run("forkctl", "run", "-c", code) == "300\n"
    # The daemon's own is lower, where it may do that.
    daemon = service.property("MainPID")
    assert int((service.root / f"proc/{daemon}/oom_score_adj").read_text()) in (300, -200)


# What the unit says of hardening, seen from a child.
MAY = """
import ctypes, fcntl, mmap, os, pty, subprocess
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
print(status["NoNewPrivs"].strip(), status["Seccomp"].strip(), int(status["CapBnd"], 16))
print(*(os.readlink(f"/proc/self/ns/{kind}") for kind in "mnt net pid ipc uts user cgroup".split()))
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
ctypes.CFUNCTYPE(ctypes.c_int)(int)
pty.openpty()
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
print(subprocess.check_output(["unshare", "-U", "-r", "id", "-u"], text=True), end="")
subprocess.check_call(["runuser", "-u", "nobody", "true"])
open("/root/written", "w").close()
"""
TAKEN = [5, 9, 16, 17, 22, 32, 33, 35, 36]  # capability(7): what the unit takes


def test_a_child_may_do_what_its_user_may(service):
    outside = "/proc/self/ns/"
    kinds = ["mnt", "net", "pid", "ipc", "uts", "user"]
    init = service.run("readlink", *(outside + kind for kind in kinds)).split()
    flags, namespaces, mapped = service.run("forkctl", "run", "-c", MAY).splitlines()
    no_new_privs, seccomp, bounding = map(int, flags.split())
    first = (service.root / "proc/1/status").read_text()
    inits = dict(line.split(":\t", 1) for line in first.splitlines())
    assert (no_new_privs, seccomp, mapped) == (0, int(inits["Seccomp"]), "0")
    assert namespaces.split()[:6] == init
    taken = {bit for bit in range(64) if (int(inits["CapBnd"], 16) & ~bounding) >> bit & 1}
    assert taken <= set(TAKEN) and 16 not in {b for b in range(64) if bounding >> b & 1}
    assert (service.root / "root/written").exists()


def test_the_journal_has_levels_and_fields(service, setting):
    setting("[Service]\nEnvironment=FORKSERVERD_SERVER_LOG_LEVEL=debug\n")
    child = service.run("forkctl", "spawn", "-c", "pass").strip()
    service.run("forkctl", "wait", child)
    entries = [e for e in service.journal() if e["SYSLOG_IDENTIFIER"] == "forkserverd"]
    assert {e["_SYSTEMD_UNIT"] for e in entries} == {"forkserverd.service"}
    ready = [e for e in entries if e.get("FORKSERVERD_OP") == "ready"]
    assert ready and {e["PRIORITY"] for e in ready} == {"6"}
    assert {e.get("FORKSERVERD_TEMPLATE") for e in ready} >= {None, "default"}
    pid = service.property("MainPID")
    own = [e for e in entries if e.get("FORKSERVERD_CHILD") == child and e["_PID"] == pid]
    ops = [e["FORKSERVERD_OP"] for e in own]
    assert ops[-2:] == ["started", "over"], ops
    assert (own[-1]["FORKSERVERD_STATUS"], own[-1]["PRIORITY"]) == ("0", "7")
    assert own[-1]["MESSAGE"].startswith(f"child={child} ")
    # The prefix is read, not shown.
    assert not any(e["MESSAGE"].startswith("<") for e in entries)


def test_a_restart_loses_no_connection(service):
    connect = """
import os, select, socket
n = 0
os.write(1, b"up\\n")
while not select.select([0], [], [], 0)[0]:
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("/run/forkserverd.sock")
    n += 1
print(n)
"""
    clients = []
    for _ in range(4):
        words = service.words(["python3.14", "-c", connect])
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "up\n"
        clients.append(process)
    for _ in range(3):
        service.run("systemctl", "restart", "forkserverd.service")
    for process in clients:
        made, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert int(made) > 0
    assert service.property("ActiveState", "forkserverd.socket") == "active"
    service.run("forkctl", "ping")


def test_several_instances(machine):
    machine.write("/etc/forkserverd/science.toml", '[template.science]\npreload = ["numpy"]\n')
    machine.run("systemctl", "enable", "--now", "forkserverd@science.socket")
    socket = "/run/forkserverd-science.sock"
    told = machine.run("forkctl", "--socket", socket, "run", "-t", "science", "-c", LOADED)
    assert told == "True\n"
    assert machine.property("ActiveState", "forkserverd@science.service") == "active"
    machine.run("systemctl", "disable", "--now", "forkserverd@science.socket")
    assert machine.property("ActiveState", "forkserverd@science.service") == "inactive"


LOADED = "import sys; print('numpy' in sys.modules)"


def test_a_user_has_a_service_of_his_own(machine):
    uid = machine.add_user("alice")
    machine.run("systemctl", "start", f"user@{uid}.service")
    machine.run("systemctl", "--user", "enable", "--now", "forkserverd.socket", user="alice")
    code = "import os; print(os.getuid(), os.environ['FORKSERVER_SOCKET'])"
    told = machine.run("forkctl", "run", "-c", code, user="alice")
    assert told == f"{uid} /run/user/{uid}/forkserverd.sock\n"
    status = machine.run("systemctl", "--user", "status", "forkserverd", user="alice")
    assert "1 of 1 templates ready" in status
    # The system's daemon is not hers.
    refused = machine.attempt("forkctl", "--socket", "/run/forkserverd.sock", "ping", user="alice")
    assert refused.returncode == 125
    machine.run("systemd-sysusers", "--inline", "m alice forkserverd")
    refused = machine.attempt("forkctl", "--socket", "/run/forkserverd.sock", "ping", user="alice")
    assert refused.returncode == 125
    assert f"uid {uid} may not use the daemon of uid 0" in refused.stderr
    machine.run("systemctl", "stop", f"user@{uid}.service")
    assert machine.attempt("pgrep", "-u", uid).returncode == 1
