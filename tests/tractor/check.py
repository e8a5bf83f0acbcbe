"""make check-tractor: tractor's own tests with its backend and with ours.

Environment:
  TRACTOR_PATH  tractor's tree, then what it needs, as PYTHONPATH has it
  FILES         "tests/test_rpc.py …": these only, in tractor's tree
  LIMIT         seconds for each test (120)
  TRIES         how often a test is run on each side where they differ (3)

File by file, with the stock backend and then with the daemon's.  Worse is a
test that the stock backend passes in most of its runs and ours in none, and that is
not in the list `known`, which has the causes.
Nothing may be left running.
"""

import os
import pathlib
import signal
import sys
import tempfile
import time

import daemon
import forkserverd
import suite

LIMIT = float(os.environ.get("LIMIT", "120"))
TRIES = int(os.environ.get("TRIES", "3"))
END_NS = 10_000_000_000  # for actors to end once their test has, with their grace

BAD = ("failed", "hung", "not run", "not collected", "missing")


def known():
    """{test, with or without its parameters: why it is worse}."""
    lines = (pathlib.Path(__file__).parent / "known").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and line[0] != "#")


KNOWN = known()


def cause(id):
    return KNOWN.get(id) or KNOWN.get(id.partition("[")[0])


class Side:
    """One of the two backends, over all files."""

    def __init__(self, name, run, client=None):
        self.name = name
        self._run = run
        self._client = client
        self.results = {}  # of this file: the outcomes of each test, in turn
        self.passed = self.all = 0
        self.left = []

    def file(self, file, only=None):
        if only is None:
            self.results = {}
        for id, outcome in self._run.file(file, only).items():
            self.results.setdefault(id, []).append(outcome)
        if only is None:
            self.passed += sum(runs == ["passed"] for runs in self.results.values())
            self.all += len(self.results)
        self.left += [f"{file}: {text}" for text in self._run.left]
        if self._client is not None:
            self._look_for_actors(file)

    def _look_for_actors(self, file):
        try:
            self._client.call("wait", of="user", timeout_ns=END_NS)
        except forkserverd.RequestError as exc:
            for id in exc.details.get("pending", ()):
                child = self._client.call("inspect", id=id)
                self.left.append(f"{file}: actor {child['title']}, {child['state']}")
                self._client.call("kill", id=id)

    def runs(self, id):
        return self.results.get(id, ["missing"])

    def told(self, id):
        return " ".join(self.runs(id))


def compare(file, stock, ours):
    """Prints how FILE went, and each test that differs.  Those that are worse."""
    began = time.monotonic()
    for side in (stock, ours):
        side.file(file)
    ids = list({**stock.results, **ours.results})
    differ = [id for id in ids if stock.runs(id) != ours.runs(id)]
    for _ in range(TRIES - 1 if differ else 0):
        for side in (stock, ours):
            side.file(file, differ)
    count = [list(s.results.values()) for s in (stock, ours)]
    count = [sum(runs[0] == "passed" for runs in side) for side in count]
    print(
        f"{file}: stock {count[0]}, ours {count[1]} of {len(ids)}"
        f" ({time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.0f})"
    )
    worse = []
    for id in ids:
        bad = [all(run in BAD for run in side.runs(id)) for side in (stock, ours)]
        if id in differ:
            runs = stock.runs(id)
            if bad[1] and 2 * runs.count("passed") > len(runs):
                worse.append(id)
        if id in differ or all(bad):
            mark = "WORSE " if id in worse else ""
            why = f" (known: {cause(id)})" if mark and cause(id) else ""
            print(f"  {mark}{id}: stock {stock.told(id)}, ours {ours.told(id)}{why}")
    sys.stdout.flush()
    return [id for id in worse if not cause(id)]


def main():
    if not daemon.paths():
        sys.exit("check-tractor: TRACTOR_PATH=TREE[:WHAT IT NEEDS] names no tractor")
    tree = pathlib.Path(daemon.paths()[0])
    files = os.environ.get("FILES", "").split() or sorted(
        str(p.relative_to(tree)) for p in (tree / "tests").rglob("test_*.py")
    )
    suite.become_subreaper()
    # In the background of a shell it is ignored, which the tests would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = daemon.TREE / "build/check-tractor"
    log.mkdir(parents=True, exist_ok=True)
    worse = []
    with (
        tempfile.TemporaryDirectory() as folder,
        daemon.running(pathlib.Path(folder)) as (socket, process),
        forkserverd.connect(socket) as client,
    ):
        common = tree, daemon.environment(socket, pathlib.Path(folder))
        rest = LIMIT, {process.pid}
        stock = Side("stock", suite.Run(*common, (), *rest, log / "stock.log"))
        ours = Side(
            "ours",
            suite.Run(*common, ("tractor_from_daemon",), *rest, log / "ours.log"),
            client,
        )
        for file in files:
            worse += compare(file, stock, ours)
        ps = daemon.forkctl(socket, "ps").splitlines()[1:]
    for side in (stock, ours):
        print(f"{side.name}: passed {side.passed} of {side.all}, left behind {len(side.left)}")
        for text in side.left:
            print(f"  {text}")
    print(f"forkctl ps: {len(ps)}", *ps, sep="\n")
    sys.exit(bool(worse or ours.left or ps))


if __name__ == "__main__":
    main()
