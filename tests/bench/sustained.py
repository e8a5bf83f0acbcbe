"""Children a second, from spawn to reaped, with several clients that each wait
for the end of one before they ask for the next; and what a child costs in CPU
time meanwhile, the clients' own left out."""

import time

import daemon
import helper

CLIENTS = [1, 2, 8, 32]
PASSES = 2


class Ours:
    def __init__(self, key, client, server, start):
        self.key, self.client, self.server, self.start = key, client, server, start

    def cpu_seconds(self):
        return self.server.cpu_seconds()

    def load(self, clients, ms):
        words = self.client.ask(f"load legacy {self.start} {clients} {ms}")
        return int(words[0]), int(words[1]) / 1e9


class Theirs:
    """A process and a forkserver of its own for each client: one client's
    threads would wait for each other."""

    key = "mp_forkserver"

    def __init__(self):
        self.peers = []

    def cpu_seconds(self):
        return sum(daemon.cpu_seconds(pid, True) for pid in self.servers)

    def load(self, clients, ms):
        begun = time.monotonic()
        for peer in self.peers[:clients]:
            peer.tell(f"load {ms}")
        children = sum(int(peer.hear()[0]) for peer in self.peers[:clients])
        return children, time.monotonic() - begun

    def grow(self, clients):
        new = [helper.peer("mp_forkserver") for _ in range(clients - len(self.peers))]
        self.peers += new
        for peer in new:
            peer.tell("go")  # the server starts on first use
        for peer in new:
            peer.hear()
        self.servers = [int(peer.ask("server")[0]) for peer in self.peers]

    def stop(self):
        for peer in self.peers:
            peer.stop()


def measure(client, server, numbers, ms, progress):
    """NUMBERS: of clients."""
    theirs = Theirs()
    contenders = [
        Ours("spawns", client, server, "any"),
        Ours("spawns_warm", client, server, "warm"),
        theirs,
    ]
    figures = {}
    progress.stage("children a second", len(numbers) * PASSES * len(contenders))
    try:
        for clients in numbers:
            theirs.grow(clients)
            measure_with(clients, contenders, ms, figures, progress)
    finally:
        theirs.stop()
    return figures


def measure_with(clients, contenders, ms, figures, progress):
    children = dict.fromkeys((c.key for c in contenders), 0)
    seconds = dict(children)
    cpu = dict(children)
    for _ in range(PASSES):
        for contender in contenders:
            key = contender.key
            before = contender.cpu_seconds()
            done, took = contender.load(clients, ms)
            cpu[key] += contender.cpu_seconds() - before
            children[key] += done
            seconds[key] += took
            progress.step()
    for key in children:
        name = key if key.startswith("spawns") else f"{key}_spawns"
        rate = children[key] / seconds[key]
        figures[f"{name}_per_s_{clients}_clients"] = round(rate, 1)
        # Later ones replace it: that of the most clients stays.
        cost = round(cpu[key] * 1000 / children[key], 3)
        figures[f"{'cpu' if key == 'spawns' else key + '_cpu'}_ms_per_child"] = cost
