"""The flat figures as tables, in Markdown and for a terminal."""

import re

from figures import judged

# Key of the row, what it is.
ROWS = [
    ("spawn_standby", "forkserverd, standby"),
    ("spawn_standby_isolated", "forkserverd, standby, `isolated`"),
    ("spawn_warm", "forkserverd, warm"),
    ("spawn_warm_isolated", "forkserverd, warm, `isolated`"),
    ("spawn_cold", "forkserverd, cold"),
    ("spawn_cold_isolated", "forkserverd, cold, `isolated`"),
    ("mp_forkserver", "multiprocessing, forkserver, trio preloaded"),
    ("mp_fork", "multiprocessing, fork, trio imported"),
    ("mp_spawn", "multiprocessing, spawn"),
    ("os_fork", "`os.fork()`, trio imported"),
    ("interpreter_pool", "`InterpreterPoolExecutor`, its first task"),
    ("python_c", "`python3.14 -c`"),
    ("bare_fork", "floor: fork, `_exit`, waitid in C, as large"),
    ("socket_round_trip", "floor: a message there and back"),
    ("page_fault", "floor: one page fault after a fork, CPU time"),
]
FLOORS = ("bare_fork", "socket_round_trip", "page_fault")


def base_row(figures):
    """What the others are told as multiples of."""
    return "spawn_standby" if figures.get("spawn_standby_p50_ms") else "spawn_warm"


def number(value, digits=2):
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits if value < 10 else 1}f}"


def firsts(figures, key):
    """p50 and p99 of the first trio task; of a floor, of the whole."""
    return figures.get(f"{key}_p50_ms"), figures.get(f"{key}_p99_ms")


def latency_rows(figures):
    base = base_row(figures)
    divisor = figures.get(f"{base}_p50_ms")
    yield (
        "request to …",
        "first trio task, p50 ms",
        "p99 ms",
        "reaped, p50 ms",
        f"× {base.removeprefix('spawn_')}",
        "samples",
    )
    for key, label in ROWS:
        if f"{key}_n" not in figures:
            continue
        middle, high = firsts(figures, key)
        times = number(middle / divisor, 1) if middle and divisor else "–"
        whole = None if key in FLOORS else figures.get(f"{key}_reaped_p50_ms")
        yield (
            label,
            number(middle, 3 if key in FLOORS else 2),
            number(high, 3 if key in FLOORS else 2),
            number(whole),
            times,
            str(figures[f"{key}_n"]),
        )


def numbers_in(figures, pattern):
    """The numbers N of the keys that are PATTERN."""
    found = (re.fullmatch(pattern, key) for key in figures)
    return sorted(int(match[1]) for match in found if match)


def clients_of(figures):
    return numbers_in(figures, r"spawns_warm_per_s_(\d+)_clients")


def crowds_of(figures):
    return numbers_in(figures, r"live_(\d+)_over_live_0_standby")


def rate_rows(figures):
    clients = clients_of(figures)
    yield ("children a second, spawn to reaped", *(f"{n} clients" for n in clients))
    for key, label in (
        ("spawns", "forkserverd, as it comes"),
        ("spawns_warm", "forkserverd, warm"),
        ("mp_forkserver_spawns", "multiprocessing, forkserver, one each"),
    ):
        yield (
            label,
            *(number(figures.get(f"{key}_per_s_{n}_clients")) for n in clients),
        )


def cost_rows(figures):
    yield ("a child's cost", "CPU ms", "idle, private MB")
    for cpu, memory, label in (
        ("cpu", "private_mb_per_child", "forkserverd, as it comes"),
        ("spawns_warm_cpu", "private_mb_per_child_warm", "forkserverd, warm"),
        (
            "mp_forkserver_cpu",
            "mp_forkserver_private_mb_per_child",
            "multiprocessing, forkserver",
        ),
    ):
        yield (
            label,
            number(figures.get(f"{cpu}_ms_per_child")),
            number(figures.get(memory)),
        )


def crowd_rows(figures):
    crowds = [0, *crowds_of(figures)]
    most = crowds[-1]
    yield (
        "first trio task with … live, p50 ms",
        *(f"{n:,}" for n in crowds),
        f"{most:,} over 0",
    )
    for kind, suffix in (("standby", "_standby"), ("warm", "")):
        yield (
            f"forkserverd, {kind}",
            *(number(figures.get(f"live_{n}_{kind}_p50_ms")) for n in crowds),
            number(figures.get(f"live_{most}_over_live_0{suffix}")),
        )


def tables(figures):
    yield latency_rows(figures)
    if clients_of(figures):
        yield rate_rows(figures)
        yield cost_rows(figures)
    if crowds_of(figures):
        yield crowd_rows(figures)


def target_rows(figures):
    yield ("must reach", "is", "bound", "verdict")
    for what, value, bound, verdict in judged(figures):
        yield what, number(value), bound, verdict


def machine(figures):
    load = figures["load_average"]  # of what else runs
    text = (
        f"{figures['cores']} × {figures['cpu']}, Linux {figures['kernel']}, "
        f"CPython {figures['python']}, {figures['date']}; "
        f"load average before the run: {load}."
    )
    if load > 0.5 * figures["cores"]:
        text += " The machine was shared with other work: only the ratios say much."
    return text


def missing(figures):
    """Sentences on what could not be measured."""
    for key, label in ROWS:
        if figures.get(f"{key}_n") == 0:
            yield f"Missing: {label.replace('`', '')} (none was had)."
        elif missed := figures.get(f"{key}_missed"):
            yield (
                f"{label.replace('`', '')}: {missed} of "
                f"{missed + figures[f'{key}_n']} were of another kind, and do not count."
            )
    for key, value in figures.items():
        if key.endswith("_skipped"):
            yield f"Skipped: {key.removesuffix('_skipped').replace('_', ' ')}: {value}."


def markdown_table(rows):
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)


def markdown(figures):
    """What the README shows."""
    parts = [markdown_table(rows) for rows in tables(figures)]
    parts += [" ".join([machine(figures), *missing(figures)])]
    return "\n\n".join(parts) + "\n"


def plain_table(rows):
    rows = [[cell.replace("`", "") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield "  " + "  ".join(cells)


def terminal(figures):
    for rows in [*tables(figures), target_rows(figures)]:
        yield from plain_table(rows)
        yield ""
    yield machine(figures)
    yield from missing(figures)
