"""What many children cost: the memory of one that waits, and a spawn while
thousands live."""

import statistics
import time

import daemon
import helper
from figures import figures_of, ratio
from latency import PAUSE, spawn_row

LEVELS = [500, 2000]
SETTLED = 0.5  # seconds until an idle child is idle


def private_mb(pids):
    time.sleep(SETTLED)
    return round(statistics.median(daemon.private_mb(pid) for pid in pids), 3)


def measure_memory(client, idle, progress):
    progress.stage("memory of idle children", 3)
    figures = {}
    for key, start in (("", "any"), ("_warm", "warm")):
        pids = client.ask(f"hold legacy {start} {idle}")
        figures[f"private_mb_per_child{key}"] = private_mb(pids)
        client.ask("drop")
        progress.step()
    peer = helper.peer("mp_forkserver")
    try:
        figures["mp_forkserver_private_mb_per_child"] = private_mb(
            peer.ask(f"hold {idle}")
        )
        peer.ask("drop")
    finally:
        peer.stop()
    progress.step()
    return figures


def measure_live(client, crowds, samples, mb_each, progress):
    """With none, with each of CROWDS, and with none again: the two with none
    are taken together, because the machine drifts.  Fewer SAMPLES of each where
    they would take more than its share of the time that is left."""
    levels = [0, *crowds, 0]
    warm = {level: [] for level in levels}
    standby = {level: [] for level in levels}
    notes = {}
    progress.stage("with many live", samples * len(levels))
    live = 0
    for number, level in enumerate(levels):
        if level < live:
            client.ask("drop")
            live = 0
        need = 1.5 * mb_each * (level - live)
        if need > 0.7 * daemon.available_mb():
            notes[f"live_{level}_skipped"] = f"it takes {need:.0f} MB"
            continue
        if level > live:
            client.ask(f"hold legacy warm {level - live}")
            live = level
        rows = [spawn_row(client, "legacy", s) for s in ("warm", "standby")]
        until = progress.until(1 / (len(levels) - number))
        for sample in range(samples):
            if sample > 0 and progress.seconds() > until:
                break
            for row in rows:
                time.sleep(PAUSE)
                row.measure()
            progress.step()
        warm[level] += rows[0].first
        standby[level] += rows[1].first
    figures = {}
    for level in levels[:-1]:
        figures |= figures_of(f"live_{level}_warm", warm[level], 1e6)
        figures |= figures_of(f"live_{level}_standby", standby[level], 1e6)
    for level in crowds:
        for kind, key in (("warm", ""), ("standby", "_standby")):
            figures[f"live_{level}_over_live_0{key}"] = ratio(
                figures[f"live_{level}_{kind}_p50_ms"],
                figures[f"live_0_{kind}_p50_ms"],
            )
    return figures | notes
