"""sys.remote_exec and pdb -p, into a child and into a zygote."""

import os
import subprocess

import pexpect
import pytest
from conftest import BIN, ENVIRONMENT, MODES
from like import PYTHON

LIMIT = 30

# Says its pid, and waits until it is told to end.
LOOP = """
import os, sys, time
told = []
print(os.getpid(), flush=True)
until = time.monotonic() + 60
while not told and time.monotonic() < until:
    time.sleep(0.01)
print("told", *told)
"""


def start(socket, mode, code):
    child = subprocess.Popen(
        [BIN / "forkctl", "--socket", socket, "run", "-t", mode, "-c", code],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return child, int(child.stdout.readline())


def remote_exec(pid, script):
    code = f"import sys; sys.remote_exec({pid}, {str(script)!r})"
    return subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=LIMIT)


@pytest.mark.parametrize("mode", MODES)
def test_remote_exec(modes_daemon, tmp_path, mode):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, threading\n"
        "main = sys.modules['__main__']\n"
        "main.told += [len(sys._current_frames()), threading.current_thread().name]\n"
    )
    child, pid = start(modes_daemon, mode, LOOP)
    done = remote_exec(pid, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert child.communicate(timeout=LIMIT) == ("told 1 MainThread\n", "")
    assert child.returncode == 0


@pytest.mark.parametrize("mode", MODES)
def test_pdb_attaches(modes_daemon, tmp_path, mode):
    child, pid = start(modes_daemon, mode, LOOP)
    pdb = pexpect.spawn(PYTHON, ["-m", "pdb", "-p", str(pid)], env=os.environ, timeout=LIMIT)
    pdb.expect_exact("(Pdb) ")
    pdb.sendline("p told, 6 * 7")
    pdb.expect_exact("([], 42)")
    pdb.expect_exact("(Pdb) ")
    pdb.sendline("told.append('by pdb')")
    pdb.expect_exact("(Pdb) ")
    pdb.sendline("continue")
    pdb.expect(pexpect.EOF)
    pdb.wait()
    assert child.communicate(timeout=LIMIT)[0] == "told by pdb\n"
    assert child.returncode == 0


@pytest.mark.parametrize("mode", MODES)
def test_what_a_zygote_is_told_no_child_does(modes_daemon, tmp_path, mode):
    """A script for the zygote, which never runs its main interpreter's code."""
    mark = tmp_path / "mark"
    script = tmp_path / "script.py"
    script.write_text(f"open({str(mark)!r}, 'a').write('ran')\n")
    code = "import os; print(os.getppid(), flush=True)"
    child, zygote = start(modes_daemon, mode, code)
    child.communicate(timeout=LIMIT)
    remote_exec(zygote, script)  # whether it is taken or not
    for _ in range(3):
        child, parent = start(modes_daemon, mode, code)
        assert (child.communicate(timeout=LIMIT), child.returncode) == (("", ""), 0)
        assert parent == zygote
    assert not mark.exists()
    # And a child can still be told.
    child, pid = start(modes_daemon, mode, LOOP)
    script.write_text("import sys; sys.modules['__main__'].told.append('x')\n")
    assert remote_exec(pid, script).returncode == 0
    assert child.communicate(timeout=LIMIT)[0] == "told x\n"
