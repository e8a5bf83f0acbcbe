"""systemctl reload, under load and where it fails."""

import subprocess

import pytest

CLIENTS = 8
CONFIG = '[template.default]\npreload = ["trio", "json"%s]\n'

# Child after child until stdin ends, each asked for what it has: a line when
# that is not what it was, and in the end how many there were.
CLIENT = """
import os, select
import forkserverd
n, before = 0, None
with forkserverd.connect() as client:
    while not select.select([0], [], [], 0)[0]:
        n += 1
        has = client.run("builtins:eval", "'csv' in __import__('sys').modules")
        if has != before:
            print(has, flush=True)
            before = has
print(n)
"""


@pytest.fixture
def configured(machine):
    """Writes the configuration with some preloads more."""
    config = machine.root / "etc/forkserverd.toml"
    before = config.read_text() if config.exists() else None

    def configured(preloads):
        machine.write("/etc/forkserverd.toml", CONFIG % preloads)

    configured("")
    machine.run("systemctl", "restart", "forkserverd.service")
    yield configured
    if before is None:
        config.unlink()
    else:
        config.write_text(before)
    machine.run("systemctl", "restart", "forkserverd.service")


def reload(machine):
    machine.run("systemctl", "reload", "forkserverd.service")
    return machine.property("StatusText")


def test_under_load_nobody_notices(service, configured):
    words = service.words(["python3.14", "-c", CLIENT])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    clients = [subprocess.Popen(words, **pipes) for _ in range(CLIENTS)]
    for client in clients:
        assert client.stdout.readline() == "False\n"
    code = "import signal; signal.pause()"
    children = [service.ask("spawn", "-c", code) for _ in range(3)]
    daemon = service.property("MainPID")

    configured(', "csv"')
    assert "1 of 1 templates ready" in reload(service)
    for client in clients:
        assert client.stdout.readline() == "True\n"
    configured(', "csv", "no_such_module"')
    assert reload(service).endswith("; failed: default (gen 2 serves)")
    configured("")
    reload(service)
    for client in clients:
        assert client.stdout.readline() == "False\n"

    for client in clients:
        made, _ = client.communicate(timeout=60)
        assert client.returncode == 0
        assert int(made) > 2
    assert service.property("MainPID") == daemon
    told = {child["id"]: child for child in service.ask("ps")["children"]}
    for child in children:
        assert told[child["id"]]["state"] == "running"
        assert told[child["id"]]["generation"] == 1
        service.run("forkctl", "kill", str(child["id"]))
        assert service.attempt("forkctl", "wait", str(child["id"])).returncode == 137


def test_one_that_fails_tells_why(service, configured):
    configured(', "no_such_module"')
    status = reload(service)
    assert status == (
        "1 of 1 templates ready, on /run/forkserverd.sock; failed: default (gen 1 serves)"
    )
    assert status in service.run("systemctl", "status", "forkserverd.service")
    why = (
        "template=default gen=2 failed: preload \"no_such_module\": ModuleNotFoundError: "
        "No module named 'no_such_module' (template.default.preload[2]); gen 1 serves"
    )
    assert why in service.run("forkctl", "templates")
    told = [e for e in service.journal() if e.get("FORKSERVERD_TEMPLATE") == "default"]
    assert any("no_such_module" in e["MESSAGE"] for e in told)
    assert service.run("forkctl", "run", "-c", "print(1)") == "1\n"
    configured("")
    assert reload(service) == "1 of 1 templates ready, on /run/forkserverd.sock"


def test_a_wrong_file_changes_nothing(service, configured):
    service.write("/etc/forkserverd.toml", "[template.default]\nmode = 'free'\n")
    status = reload(service)
    where = "/etc/forkserverd.toml:2: template.default.mode: "
    assert f"; reload refused: {where}" in status, status
    assert service.run("forkctl", "run", "-c", "print(1)") == "1\n"
    told = [e for e in service.journal() if e["PRIORITY"] == "3"]
    assert where in told[-1]["MESSAGE"]
    configured("")
    assert reload(service) == "1 of 1 templates ready, on /run/forkserverd.sock"
