"""From samples to flat figures, and which of them must be how good."""

import math


def percentile(values, share):
    """The smallest one that SHARE of all do not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def figures_of(key, nanoseconds, unit):
    def figure(share):
        value = percentile(nanoseconds, share)
        return None if value is None else round(value / unit, 4)

    return {f"{key}_p50_ms": figure(0.5), f"{key}_p99_ms": figure(0.99)}


def ratio(over, under):
    return round(over / under, 2) if over and under else None


# There in every case, None where it was not measured.
PROMISED = """
spawn_standby_p50_ms spawn_standby_p99_ms spawn_warm_p50_ms spawn_cold_p50_ms
mp_forkserver_p50_ms os_fork_p50_ms python_c_p50_ms
ratio_mp_forkserver_over_standby ratio_mp_forkserver_over_warm
spawns_per_s_8_clients mp_forkserver_spawns_per_s
cpu_ms_per_child private_mb_per_child live_2000_over_live_0
socket_round_trip_p50_ms bare_fork_p50_ms
""".split()


def complete(figures):
    """Adds what follows from what was measured."""
    get = figures.get
    server = get("mp_forkserver_p50_ms")
    # The floors have no task: their figure is the whole.
    figures["bare_fork_first_p50_ms"] = get("bare_fork_p50_ms")
    figures["bare_fork_p50_ms"] = get("bare_fork_reaped_p50_ms")
    figures["bare_fork_p99_ms"] = get("bare_fork_reaped_p99_ms")
    for start in ("standby", "warm"):
        figures[f"ratio_mp_forkserver_over_{start}"] = ratio(
            server, get(f"spawn_{start}_p50_ms")
        )
    figures["mp_forkserver_spawns_per_s"] = get("mp_forkserver_spawns_per_s_8_clients")
    figures["ratio_spawns_per_s_over_mp_forkserver"] = ratio(
        get("spawns_per_s_8_clients"), get("mp_forkserver_spawns_per_s")
    )
    figures["ratio_warm_over_bare_fork"] = ratio(
        get("spawn_warm_p50_ms"), get("bare_fork_p50_ms")
    )
    for key in PROMISED:
        figures.setdefault(key, None)


# What this project holds itself to: figure, its key,
# whether less is better, the bound, its unit.
TARGETS = [
    ("standby, p50", "spawn_standby_p50_ms", True, 0.25, "ms"),
    ("standby, p99", "spawn_standby_p99_ms", True, 1.0, "ms"),
    ("warm, p50", "spawn_warm_p50_ms", True, 1.6, "ms"),
    (
        "multiprocessing's forkserver over standby",
        "ratio_mp_forkserver_over_standby",
        False,
        15,
        "×",
    ),
    (
        "multiprocessing's forkserver over warm",
        "ratio_mp_forkserver_over_warm",
        False,
        2.5,
        "×",
    ),
    ("8 clients, children a second", "spawns_per_s_8_clients", False, 600, "/s"),
    (
        "the same over multiprocessing's forkserver",
        "ratio_spawns_per_s_over_mp_forkserver",
        False,
        3,
        "×",
    ),
    ("2,000 live over none, warm p50", "live_2000_over_live_0", True, 1.5, "×"),
    ("private memory of an idle child", "private_mb_per_child", True, 4, "MB"),
]


def judged(figures):
    """(what, value or None, bound with its unit, verdict) of each target."""
    for what, key, less, bound, unit in TARGETS:
        value = figures.get(key)
        if value is None:
            verdict = "missing"
        else:
            verdict = (
                "met" if (value <= bound if less else value >= bound) else "NOT met"
            )
        yield what, value, f"{'≤' if less else '≥'} {bound} {unit}", verdict
