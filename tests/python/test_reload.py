"""forkctl reload, drain, and what templates and status tell of generations."""

import json
import os
import subprocess

import pytest
from conftest import BIN, start

LIMIT = 60


class Daemon:
    """With a configuration that a test may change."""

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "config.toml"
        self.preload("trio")
        self.process = start(folder, ["--config", self.config])

    def preload(self, *modules, more=""):
        self.config.write_text(f"[template.sci]\npreload = {json.dumps(modules)}\n{more}")

    def forkctl(self, *words):
        return subprocess.run(
            [BIN / "forkctl", "--socket", self.folder / "socket", *words],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.process.terminate()
    assert daemon.process.wait(LIMIT) == 0


FAILED = (
    "template=sci gen=2 failed: preload \"scipyy\": ModuleNotFoundError: No module"
    " named 'scipyy' (template.sci.preload[1]); gen 1 serves\n"
)


def test_what_came_through_a_pipe_is_not_read_again(daemon):
    text = daemon.config.read_text()
    daemon.config.unlink()
    os.mkfifo(daemon.config)
    done = daemon.forkctl("reload")
    assert done.returncode == 125
    assert f"{daemon.config}: no regular file" in done.stderr
    daemon.config.unlink()
    daemon.config.write_text(text)
    assert daemon.forkctl("reload").stdout == "no template has changed\n"


def test_reload_tells_what_has_become_of_each_template(daemon):
    same = daemon.forkctl("reload")
    assert (same.returncode, same.stdout) == (0, "no template has changed\n")
    daemon.preload("trio", "scipyy")
    failed = daemon.forkctl("reload")
    assert (failed.returncode, failed.stdout, failed.stderr) == (1, "", FAILED)
    assert FAILED in daemon.forkctl("templates").stdout
    assert "scipyy" in daemon.forkctl("status").stdout
    again = daemon.forkctl("reload", "--json")
    assert again.returncode == 1
    [step] = json.loads(again.stdout)["templates"]
    assert (step["generation"], step["serves"]) == (3, 1)
    daemon.preload("trio", "csv", more="[template.new]\n[server]\nmode = '0660'\n")
    done = daemon.forkctl("reload")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [
        "template=sci gen=4 renewed",
        "template=new gen=1 added",
        "needs a restart: server.mode",
        "",
    ]
    named = daemon.forkctl("reload", "sci")
    assert (named.returncode, named.stdout) == (0, "template=sci gen=5 renewed\n")
    assert "scipyy" not in daemon.forkctl("templates").stdout


def test_reload_tells_whose_a_template_is(daemon):
    if os.geteuid() != 0:
        pytest.skip("cannot be another user")
    daemon.preload("trio", more='[template.theirs]\nuser = "daemon"\n')
    assert daemon.forkctl("reload").stdout == "template=theirs uid=1 gen=1 added\n"
    daemon.preload("trio", more='[template.theirs]\nuser = "daemon"\npreload = ["scipyy"]\n')
    failed = daemon.forkctl("reload")
    assert failed.returncode == 1
    assert failed.stderr.startswith("template=theirs uid=1 gen=2 failed: preload ")


def test_templates_tells_no_way_of_one_that_never_came_up(daemon):
    daemon.preload("trio", more='[template.broken]\npreload = ["scipyy"]\n')
    assert daemon.forkctl("reload").returncode == 1
    lines = daemon.forkctl("templates").stdout.splitlines()
    [broken] = [line.split() for line in lines if line.startswith("broken ")]
    assert "failed" in broken
    assert "promoted" not in broken
    told = json.loads(daemon.forkctl("templates", "broken", "--json").stdout)
    assert "way" not in told


def test_reload_refuses_a_wrong_file(daemon):
    daemon.preload("trio", more="mode = 'free'\n")
    refused = daemon.forkctl("reload")
    assert refused.returncode == 125
    assert f"{daemon.config}:3: template.sci.mode: expected one of" in refused.stderr
    unknown = daemon.forkctl("reload", "none")
    assert unknown.returncode == 125
    assert daemon.forkctl("run", "-t", "sci", "-c", "pass").returncode == 0


@pytest.mark.parametrize("words", [["a", "b"], ["--nosuch"]])
def test_usage(daemon, words):
    done = daemon.forkctl("reload", *words)
    assert done.returncode == 125
    assert "usage: forkctl reload [TEMPLATE]" in done.stderr


def test_drain_waits_for_the_last_child(tmp_path):
    daemon = Daemon(tmp_path)
    child = daemon.forkctl("spawn", "-c", "import time; time.sleep(3600)").stdout.strip()
    assert daemon.forkctl("drain", "--timeout", "3600").returncode == 0
    assert "draining" in daemon.forkctl("status").stdout
    refused = daemon.forkctl("run", "-c", "pass")
    assert refused.returncode == 125
    assert "draining" in refused.stderr
    assert daemon.forkctl("kill", child).returncode == 0
    assert daemon.process.wait(LIMIT) == 0


def test_drain_waits_for_the_end(tmp_path):
    daemon = Daemon(tmp_path)
    assert daemon.forkctl("drain", "--wait").returncode == 0
    assert daemon.process.wait(LIMIT) == 0
    assert daemon.forkctl("drain", "-t", "x").returncode == 125
