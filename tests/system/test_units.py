"""The system's service, under systemd itself."""

import os
import signal
import subprocess
import threading

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


def test_the_journal_has_levels_and_keys(service):
    service.run("systemctl", "restart", "forkserverd.service")
    service.run("forkctl", "run", "-c", "pass")
    entries = [e for e in service.journal() if e["SYSLOG_IDENTIFIER"] == "forkserverd"]
    assert {e["_SYSTEMD_UNIT"] for e in entries} == {"forkserverd.service"}
    ready = [e for e in entries if "op=ready" in e["MESSAGE"].split()]
    assert ready and {e["PRIORITY"] for e in ready} == {"6"}
    restarts = [e for e in entries if "op=restart" in e["MESSAGE"].split()]
    assert {e["PRIORITY"] for e in restarts} <= {"4"}
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


def add_user(machine, name):
    machine.run("systemd-sysusers", "--inline", f"u {name} 1500 - /home/{name} /bin/bash")
    machine.run("install", "-d", "-o", name, "-g", name, f"/home/{name}")


def test_a_user_has_a_service_of_his_own(machine):
    add_user(machine, "alice")
    uid = machine.run("id", "-u", "alice").strip()
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
