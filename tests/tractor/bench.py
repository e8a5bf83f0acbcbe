"""make bench-tractor: an actor's start and end, with tractor's backend and ours.

Environment:
  TRACTOR_PATH  tractor's tree, then what it needs, as PYTHONPATH has it
  ROUNDS        of each kind (50)
  ACTORS        how many at once (100; 0: leaves that out)

Both in one program, in turn, so that the machine's drift hits both alike. The
daemon has its own defaults for the template: standbys are made as ever.
"""

import os
import pathlib
import signal
import socketserver
import statistics
import sys
import tempfile
import time

import daemon

ROUNDS = int(os.environ.get("ROUNDS", "50"))
ACTORS = int(os.environ.get("ACTORS", "100"))
CROWDS = 3

SIDES = ("stock", "forkserverd")


async def pong():
    return os.getpid()


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def backend(side):
    import contextlib

    import forkserverd.tractor

    return forkserverd.tractor.backend() if side == "forkserverd" else contextlib.nullcontext()


async def one(side, number):
    """Nanoseconds until the portal is up, from there to the first result, and
    those that the end takes."""
    import tractor

    with backend(side):
        async with tractor.open_nursery() as nursery:
            began = time.monotonic_ns()
            portal = await nursery.start_actor(f"one{number}", enable_modules=[__name__])
            up = time.monotonic_ns()
            await portal.run(pong)
            told = time.monotonic_ns()
            await portal.cancel_actor()
        over = time.monotonic_ns()
    return up - began, told - began, over - told


def root(transport):
    """The root actor, with a registry of its own."""
    import tractor

    if transport == "uds":
        registry = (os.environ["XDG_RUNTIME_DIR"], "registry")
    else:
        with socketserver.TCPServer(("127.0.0.1", 0), None) as free:
            registry = free.server_address
    return tractor.open_root_actor(
        enable_transports=[transport], registry_addrs=[registry], loglevel="critical"
    )


async def rounds(transport):
    taken = {side: [] for side in SIDES}
    async with root(transport):
        for side in SIDES:  # what is only done once
            await one(side, "warm")
        for number in range(ROUNDS):
            progress(f"{transport}: {number} of {ROUNDS}")
            for side in SIDES if number % 2 else reversed(SIDES):
                taken[side].append(await one(side, number))
    return taken


async def crowd(transport, side):
    """Nanoseconds until ACTORS are up, all asked for at once, and until all
    have ended."""
    import tractor
    import trio

    async with root(transport):
        with backend(side):
            began = time.monotonic_ns()
            async with tractor.open_nursery() as nursery:
                async with trio.open_nursery() as starting:
                    for number in range(ACTORS):
                        starting.start_soon(nursery.start_actor, f"many{number}")
                up = time.monotonic_ns()
                await nursery.cancel()
            over = time.monotonic_ns()
    return up - began, over - up


def p99(values):
    return sorted(values)[-(-99 * len(values) // 100) - 1]


def show(title, taken, column):
    stock, ours = ([times[column] / 1e6 for times in taken[side]] for side in SIDES)
    words = [title]
    for values in (stock, ours):
        words += [f"{statistics.median(values):.1f}", f"{p99(values):.1f}"]
    ratio = statistics.median(stock) / statistics.median(ours)
    print("| " + " | ".join(words) + f" | {ratio:.1f} |", flush=True)


def main():
    if not daemon.paths():
        sys.exit("bench-tractor: TRACTOR_PATH=TREE[:WHAT IT NEEDS] names no tractor")
    with (
        tempfile.TemporaryDirectory() as folder,
        daemon.running(pathlib.Path(folder)) as (socket, _),
    ):
        environment = daemon.environment(socket, pathlib.Path(folder))
        os.environ.update(environment, XDG_RUNTIME_DIR=folder)
        sys.path[1:1] = environment["PYTHONPATH"].split(os.pathsep)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        measure()
        print(daemon.forkctl(socket, "templates", "tractor"))


def measure():
    import trio

    began = os.getloadavg()[0]
    print(f"| ms, median and p99 of {ROUNDS} | stock | p99 | forkserverd | p99 | × |")
    print("|---|--:|--:|--:|--:|--:|")
    for transport in ("tcp", "uds"):
        taken = trio.run(rounds, transport)
        show(f"portal up, {transport}", taken, 0)
        show(f"first result, {transport}", taken, 1)
        show(f"actor's end, {transport}", taken, 2)
    for transport in ("tcp", "uds") if ACTORS else ():
        taken = {side: [] for side in SIDES}
        for number in range(CROWDS):
            for side in SIDES:
                progress(f"{ACTORS} actors, {transport}: {number} of {CROWDS}, {side}")
                taken[side].append(trio.run(crowd, transport, side))
        show(f"{ACTORS} actors up, {transport}, {CROWDS} rounds", taken, 0)
        show(f"… and torn down, {transport}", taken, 1)
    progress("")
    print(f"\nload average {began:.1f} before, {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
