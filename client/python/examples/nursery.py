"""A nursery of workers: children that count primes, one of which is cancelled.

python3.14 nursery.py
"""

import trio

import forkserverd


def count_primes(first, last):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(max(first, 2), last))


async def tick(name):
    try:
        while True:
            print(name, "is at work", flush=True)
            await trio.sleep(0.1)
    finally:
        print(name, "was cancelled", flush=True)


async def main():
    async with forkserverd.open_client() as client, trio.open_nursery() as nursery:
        worker = await nursery.start(client.start_child, tick, "the ticker")

        edges = range(0, 40_000, 5_000)
        counts = await client.map(count_span, edges, limit=4)
        print("primes below 40,000:", sum(counts))

        try:
            await client.run(count_primes, "a", "b")
        except forkserverd.ChildRaised as exc:
            print("a worker failed:", exc)

        await worker.cancel()


def count_span(first):
    return count_primes(first, first + 5_000)


if __name__ == "__main__":
    trio.run(main)
