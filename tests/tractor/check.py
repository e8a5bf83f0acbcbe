"""make check-tractor: tractor's own tests with its backend and with ours.

Environment:
  TRACTOR_PATH  tractor's tree, then what it needs, as PYTHONPATH has it
  FILES         "tests/test_rpc.py …": these only, in tractor's tree
  SECONDS       limit of each file (600)

Each file is run by itself, with the stock backend and then with the daemon's;
where they differ both are run once more.  Nothing may be left running.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import daemon

SECONDS = int(os.environ.get("SECONDS", "600"))


def run(tractor, file, socket, ours):
    """The outcome of each of FILE's tests, by name."""
    report = pathlib.Path(tempfile.mkdtemp()) / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--junitxml={report}", file]
    if ours:
        command += ["-p", "tractor_from_daemon"]
    try:
        subprocess.run(
            command,
            cwd=tractor,
            env=daemon.environment(socket),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"(the file)": f"not done in {SECONDS} s"}
    if not report.exists():
        return {"(the file)": "pytest failed"}
    return dict(outcomes(xml.etree.ElementTree.parse(report)))


def outcomes(report):
    for case in report.iter("testcase"):
        found = {child.tag for child in case}
        for outcome in ("failure", "error", "skipped"):
            if outcome in found:
                yield case.get("name"), outcome
                break
        else:
            yield case.get("name"), "passed"


def compare(tractor, file, socket):
    """Prints a line for each test that differs; how many passed, and those."""
    stock = run(tractor, file, socket, ours=False)
    ours = run(tractor, file, socket, ours=True)
    if ours != stock:
        again = run(tractor, file, socket, ours=False), run(tractor, file, socket, ours=True)
        stock = {n: s if s == again[0].get(n) else "flaky" for n, s in stock.items()}
        ours = {n: s if s == again[1].get(n) else "flaky" for n, s in ours.items()}
    differ = [n for n in {**stock, **ours} if stock.get(n) != ours.get(n)]
    worse = [n for n in differ if stock.get(n) == "passed" and ours.get(n) != "passed"]
    passed = [list(side.values()).count("passed") for side in (stock, ours)]
    print(f"{file}: stock {passed[0]} of {len(stock)}, ours {passed[1]} of {len(ours)}", flush=True)
    for name in differ:
        print(f"  {name}: stock {stock.get(name)}, ours {ours.get(name)}", flush=True)
    return passed, worse


def main():
    if not daemon.paths():
        sys.exit("check-tractor: TRACTOR_PATH=TREE[:WHAT IT NEEDS] names no tractor")
    tractor = pathlib.Path(daemon.paths()[0])
    files = os.environ.get("FILES", "").split() or sorted(
        str(p.relative_to(tractor)) for p in (tractor / "tests").rglob("test_*.py")
    )
    total, worse = [0, 0], []
    with tempfile.TemporaryDirectory() as folder, daemon.running(pathlib.Path(folder)) as socket:
        for file in files:
            passed, found = compare(tractor, file, socket)
            total = [a + b for a, b in zip(total, passed, strict=True)]
            worse += found
        left = daemon.forkctl(socket, "ps").splitlines()[1:]
    print(f"stock passed {total[0]}, ours {total[1]}; left running: {len(left)}")
    print(*left, sep="\n")
    sys.exit(bool(worse or left))


if __name__ == "__main__":
    main()
