"""From the request to the first trio task and to the end: all contenders round by
round, so that the machine's drift hits all alike, in another order each time:
none always comes when the same one has been through the processor's caches."""

import dataclasses
import random
import time

from figures import figures_of

PAUSE = 0.004  # seconds between two, for what the one before left to be done
TRIES = 25  # at finding a start kind


@dataclasses.dataclass
class Row:
    key: str  # its figures are named by
    ask: object  # () -> (first, whole) in ns; None where it was another kind
    slow: bool = False
    first: list = dataclasses.field(default_factory=list)
    whole: list = dataclasses.field(default_factory=list)
    missed: int = 0

    def measure(self):
        times = self.ask()
        if times is None:
            self.missed += 1
            return
        self.first.append(times[0])
        self.whole.append(times[1])

    def is_there(self):
        """Whether it works at all; its first ones are not counted."""
        for _ in range(TRIES):
            time.sleep(PAUSE)
            if self.ask() is not None:
                return True
        return False


def spawn_row(client, template, start):
    def ask():
        kind, first, _, reaped = client.ask(f"spawn {template} {asked}")
        return (int(first), int(reaped)) if kind == start else None

    # A standby is what the daemon takes first where it has one.
    asked = "any" if start == "standby" else start
    suffix = "" if template == "legacy" else f"_{template}"
    return Row(f"spawn_{start}{suffix}", ask, slow=start == "cold")


def peer_row(helper):
    slow = helper.name in ("mp_spawn", "python_c", "interpreter_pool")
    return Row(helper.name, lambda: [int(n) for n in helper.ask("go")], slow)


def floor_rows(floor):
    def fork():
        return [int(n) for n in floor.ask("fork")]

    def socket():
        return [int(n) for n in floor.ask("socket") * 2]

    def fault():
        return [int(n) for n in floor.ask("fault") * 2]

    return [
        Row("bare_fork", fork),
        Row("socket_round_trip", socket),
        Row("page_fault", fault),
    ]


def measure(rows, rounds, every, progress, share):
    """ROUNDS, fewer where they would take more than SHARE of the time that is
    left; slow ones in each EVERY-th.  Returns flat figures."""
    there = []
    for row in rows:
        progress.stage(f"trying {row.key}")
        if row.is_there():
            there.append(row)
    until = progress.until(share)
    order = random.Random(0)
    progress.stage("request to first trio task", rounds)
    for number in range(rounds):
        if number > 0 and progress.seconds() > until:
            break
        for row in order.sample(there, len(there)):
            if row.slow and number % every != 0:
                continue
            time.sleep(PAUSE)
            row.measure()
        progress.step()
    figures = {}
    for row in rows:
        figures |= figures_of(row.key, row.first, 1e6)
        figures |= figures_of(f"{row.key}_reaped", row.whole, 1e6)
        figures[f"{row.key}_n"] = len(row.first)
        figures[f"{row.key}_missed"] = row.missed
    return figures
