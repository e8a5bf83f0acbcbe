"""How far it is: one line that is written over at a terminal, else a line for
each stage.  And how long it may take."""

import math
import sys
import time

WIDTH = 24
OFTEN = 0.1  # seconds between two pictures of the line


class Progress:
    def __init__(self, limit=math.inf):
        """LIMIT: seconds for all."""
        self.limit = limit
        self.live = sys.stderr.isatty()
        self.begun = time.monotonic()
        self.shown = 0.0
        self.name, self.done, self.total = "", 0, 1

    def stage(self, name, total=1):
        self.name, self.done, self.total = name, 0, total
        if not self.live:
            print(f"{self.seconds():5.0f} s  {name}", file=sys.stderr, flush=True)
        self.show(True)

    def step(self):
        self.done += 1
        self.show(self.done == self.total)

    def until(self, share):
        """The end, on the clock of `seconds`, of what may take SHARE of the time
        that is left."""
        return self.seconds() + share * max(0, self.limit - self.seconds())

    def seconds(self):
        return time.monotonic() - self.begun

    def show(self, now):
        if not self.live or (not now and self.seconds() < self.shown + OFTEN):
            return
        self.shown = self.seconds()
        full = WIDTH * self.done // self.total
        bar = "█" * full + "·" * (WIDTH - full)
        line = f"{self.seconds():5.0f} s  {bar} {self.done}/{self.total}  {self.name}"
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
