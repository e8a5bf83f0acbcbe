"""What the demonstration's child runs: trio at work, each part for real."""

import os
import subprocess
import sys
import tempfile
import threading

import trio


async def timer():
    began = trio.current_time()
    await trio.sleep(0.05)
    print(f"  timer: 50 ms took {(trio.current_time() - began) * 1e3:.1f} ms")


async def worker_thread():
    def work():
        return threading.current_thread().name, sum(range(100_000))

    name, total = await trio.to_thread.run_sync(work)
    print(f"  worker thread: {total} from {name!r}")


async def child_process():
    done = await trio.run_process(
        ["sh", "-c", "echo parent $PPID"], capture_stdout=True
    )
    print(f"  subprocess: {done.stdout.decode().strip()}, as told by sh")


async def echo_server(listener):
    stream, _ = await listener.accept()
    async with trio.SocketStream(stream) as peer:
        async for data in peer:
            await peer.send_all(data)


async def unix_echo(nursery):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "echo")
        listener = trio.socket.socket(trio.socket.AF_UNIX)
        await listener.bind(path)
        listener.listen()
        nursery.start_soon(echo_server, listener)
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(b"hello over a UNIX socket")
            print(f"  echo: {(await stream.receive_some()).decode()!r}")
        listener.close()


async def main(greeting):
    print(f"  {greeting}, from pid {os.getpid()}: {sys.version.split()[0]}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timer)
        nursery.start_soon(worker_thread)
        nursery.start_soon(child_process)
        nursery.start_soon(unix_echo, nursery)
    return {"pid": os.getpid(), "subprocess": subprocess.__name__}
