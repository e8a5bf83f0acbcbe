"""What is timed: the clock's reading in the first trio task."""

import time

import trio


async def first_task():
    return time.monotonic_ns()


def in_process(begun, pipe):
    """For multiprocessing: the same, and the answer through PIPE."""
    pipe.send(trio.run(first_task) - begun)
