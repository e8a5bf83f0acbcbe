"""A tree of tractor's actors, each born by the daemon.

It needs tractor, and the template that ../README.md tells of:

    python3.14 actors.py
"""

import os

import tractor
import trio

import forkserverd.tractor


async def grow(depth):
    """The pids of this actor and of those below it."""
    if depth == 0:
        return [os.getpid()]
    async with tractor.open_nursery() as nursery:
        left = await nursery.start_actor(f"left{depth}", enable_modules=[__name__])
        right = await nursery.start_actor(f"right{depth}", enable_modules=[__name__])
        pids = [os.getpid()]
        for portal in (left, right):
            pids += await portal.run(grow, depth=depth - 1)
        await nursery.cancel()
    return pids


async def main():
    pids = await grow(2)
    print(len(pids), "actors:", *pids)


if __name__ == "__main__":
    with forkserverd.tractor.backend():
        trio.run(main)
