"""What every contender's children run.  The clock is read before anything else
is done: it is the same one in all processes, so that whoever asked subtracts."""

import os
import time

import trio

FD = 3  # of forkserverd's children: where the time is told


async def clock():
    return time.monotonic_ns()


async def first_task():
    now = time.monotonic_ns()
    os.write(FD, now.to_bytes(8, "little"))


async def task():
    pass


async def idle():
    await trio.sleep_forever()


def tell_fd(fd):
    now = trio.run(clock)
    os.write(fd, now.to_bytes(8, "little"))


def tell_pipe(pipe):
    """multiprocessing's end of a Pipe."""
    pipe.send_bytes(trio.run(clock).to_bytes(8, "little"))


def run_clock():
    return trio.run(clock)


def run_task():
    trio.run(task)


def run_idle(pipe):
    async def up_and_idle():
        pipe.send_bytes(b"up")
        await trio.sleep_forever()

    trio.run(up_and_idle)
