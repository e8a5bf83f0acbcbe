"""The executor, for programs without trio: with futures, and under asyncio.

python3.14 executor.py
"""

import asyncio
import time

import forkserverd


def square(number):
    return number * number


def sleep_long():
    time.sleep(60)


async def under_asyncio(executor):
    loop = asyncio.get_running_loop()
    squares = await asyncio.gather(*(loop.run_in_executor(executor, square, n) for n in range(5)))
    print("under asyncio:", squares)
    try:
        async with asyncio.timeout(0.5):
            await loop.run_in_executor(executor, sleep_long)
    except TimeoutError:
        print("a call that took too long was cancelled, and its child with it")


if __name__ == "__main__":
    with forkserverd.Executor(max_workers=4) as executor:
        print("with futures:", list(executor.map(square, range(5))))
        asyncio.run(under_asyncio(executor))
