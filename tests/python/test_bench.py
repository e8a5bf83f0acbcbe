"""That make bench works, and tells all that it promises.  How fast things are
is nobody's business here."""

import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import BIN, ENVIRONMENT, HERE

BENCH = HERE.parent / "bench"
sys.path.append(str(BENCH))
import figures as judge  # noqa: E402
import readme  # noqa: E402
import report  # noqa: E402

TINY = "--rounds 2 --every 2 --clients 1 2 --load-ms 50 --idle 2 --crowds 2 4"
LIMIT = 300  # seconds


def bench(folder, *words):
    return subprocess.run(
        [sys.executable, BENCH / "run", "--out", folder, *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=ENVIRONMENT | {"FORKSERVERD_BIN_DIR": str(BIN)},
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder, the output and the figures of a whole bench of two rounds."""
    folder = tmp_path_factory.mktemp("bench")
    done = bench(folder, *TINY.split(), "--samples", "2")
    assert done.returncode == 0, done.stderr
    return folder, done, json.loads((folder / "bench.json").read_text())


def test_figures_are_there(ran):
    _, _, figures = ran
    assert set(judge.PROMISED) <= set(figures)
    for key, value in figures.items():
        assert value is None or isinstance(value, (int, float, str)), key
    for key in (
        *(f"spawn_{start}_p50_ms" for start in ("warm", "warm_isolated", "cold")),
        *(f"mp_{method}_reaped_p99_ms" for method in ("forkserver", "fork", "spawn")),
        *("os_fork_p50_ms", "python_c_p50_ms", "interpreter_pool_p50_ms"),
        *("bare_fork_p50_ms", "socket_round_trip_p50_ms", "page_fault_p50_ms"),
        *("spawns_per_s_2_clients", "mp_forkserver_spawns_per_s_2_clients"),
        *("cpu_ms_per_child", "private_mb_per_child", "live_4_over_live_0"),
    ):
        assert figures[key] > 0, key
    # Whole is more than its part; there is no faster clock.
    assert figures["spawn_warm_reaped_p50_ms"] > figures["spawn_warm_p50_ms"]
    # Of these there was no run.
    assert figures["live_2000_over_live_0"] is None


def test_what_is_missing_is_said(ran):
    _, done, figures = ran
    had = figures["spawn_standby_n"] > 0
    assert had == (figures["spawn_standby_p50_ms"] is not None)
    assert had == ("Missing: forkserverd, standby (none" not in done.stdout)


def test_targets_are_shown(ran):
    _, done, figures = ran
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for what, value, bound, verdict in judge.judged(figures):
        assert f"{what} {report.number(value)} {bound} {verdict}" in lines


def test_tables_and_picture(ran):
    folder, _, figures = ran
    text = (folder / "bench.md").read_text()
    assert text == report.markdown(figures)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 17 + 5 + 5 + 4
    root = xml.etree.ElementTree.parse(folder / "bench.svg").getroot()
    dots = root.findall("{*}circle")
    shown = [key for key, _ in report.ROWS if report.firsts(figures, key)[0]]
    assert len(dots) == len(shown) - 1 >= 12


def test_quick_is_a_part(tmp_path):
    done = bench(tmp_path, "--quick", "--rounds", "1", "--every", "1")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert figures["spawn_warm_p50_ms"] > 0
    assert set(judge.PROMISED) <= set(figures)
    assert figures["spawns_per_s_8_clients"] is None
    assert "children a second, spawn" not in done.stdout


def test_a_bench_without_programs_fails(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / "run", "--out", tmp_path, "--quick"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=ENVIRONMENT | {"FORKSERVERD_BIN_DIR": str(tmp_path)},
    )
    assert done.returncode != 0
    assert not (tmp_path / "bench.json").exists()


def test_verdicts():
    figures = {"spawn_standby_p50_ms": 0.2, "ratio_mp_forkserver_over_warm": 2.4}
    verdicts = [verdict for *_, verdict in judge.judged(figures)]
    assert verdicts == ["met", *["missing"] * 3, "NOT met", *["missing"] * 4]


@pytest.mark.parametrize(
    "values, share, expected",
    [
        ([], 0.5, None),
        ([3], 0.99, 3),
        ([4, 1, 3, 2], 0.5, 2),
        (list(range(1, 101)), 0.99, 99),
    ],
)
def test_percentiles(values, share, expected):
    assert judge.percentile(values, share) == expected


def test_readme_has_the_place():
    text = (pathlib.Path(readme.TOP) / "README.md").read_text()
    assert text.count(readme.BEGIN) == text.count(readme.END) == 1
    assert text.index(readme.BEGIN) < text.index(readme.END)
