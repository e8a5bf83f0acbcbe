"""The daemon under test, and what /proc tells of it and of children."""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "demo"))
import helper  # noqa: E402
import rpc  # noqa: E402

CONFIG = f"""\
[template.legacy]
preload = ["trio", "bench_task"]
path = ["{HERE}"]
[template.isolated]
mode = "isolated"
preload = ["trio", "bench_task"]
path = ["{HERE}"]
"""
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid, reaped):
    """Of a process; with REAPED also of the children that it has waited for."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = text.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11 : 15 if reaped else 13]) / TICK


def private_mb(pid):
    """Pages that are PID's alone, and written to."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup tells no Private_Dirty")


def available_mb():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    raise ValueError("/proc/meminfo tells no MemAvailable")


class Daemon:
    def __init__(self, programs, folder, text=CONFIG):
        config = folder / "forkserverd.toml"
        config.write_text(text)
        self.socket = str(folder / "socket")
        ready, ready_end = os.pipe()
        self._process = subprocess.Popen(
            [programs / "forkserverd", "--config", config]
            + ["--socket", self.socket, "--log-level", "warn"]
            + ["--ready-fd", str(ready_end)],
            pass_fds=[ready_end],
            preexec_fn=helper.ends_with_us,
        )
        os.close(ready_end)
        with open(ready) as pipe:
            if not pipe.readline():
                status = self._process.wait()
                sys.exit(f"bench: forkserverd ended with {status} before it was ready")
        self._client = rpc.Client(self.socket)

    def templates(self):
        listed = self._client.call("templates")["templates"]
        return {template["name"]: template for template in listed}

    def zygote_mb(self, template):
        """Its memory that is no file's."""
        return self.templates()[template]["anonymous_kb"] / 1024

    def cpu_seconds(self):
        """Of the daemon, its zygotes, and their children that have ended."""
        zygotes = [t["pid"] for t in self.templates().values() if t.get("pid")]
        return cpu_seconds(self._process.pid, False) + sum(
            cpu_seconds(pid, True) for pid in zygotes
        )

    def stop(self):
        self._client.call("shutdown")
        self._client.close()
        status = self._process.wait(120)
        if status != 0:
            sys.exit(f"bench: forkserverd's exit status is {status}")
