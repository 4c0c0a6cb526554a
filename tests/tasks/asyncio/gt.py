# SPDX-License-Identifier: Apache-2.0
"""Ground truth for asyncio: each block's size tells which task made it, and at which step.

usage: gt.py [uvloop]
"""
import asyncio
import ctypes
import gc
import sys
import threading

BASE, STEPS = 1_000_000, 256  # sizes that neither the interpreter nor its library asks for

malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
malloc.argtypes = [ctypes.c_size_t]
free = ctypes.CDLL(None).free
free.argtypes = [ctypes.c_void_p]

counts = {}
parents = {}
next_number = 0
lock = threading.Lock()


class Own:
    """One task of the program: what it allocates is counted here."""

    def __init__(self, parent):
        global next_number
        with lock:
            self.number = next_number
            next_number += 1
        parents[self.number] = parent.number if parent else -1
        counts[self.number] = [0, 0]
        self.step = 0

    def size(self):
        size = BASE + self.number * STEPS + self.step % STEPS
        self.step += 1
        counts[self.number][0] += 1
        counts[self.number][1] += size
        return size

    def raw(self):
        block = malloc(self.size())
        if self.step % 3:
            free(block)
        return block

    def python(self):
        return bytearray(self.size() - 1)  # and a byte behind it


async def plain(parent, queue=None):
    own = Own(parent)
    for _ in range(5):
        own.raw()
        await asyncio.sleep(0)
        kept = own.python()
        await asyncio.sleep(0.001)
        del kept
    if queue:
        await queue.put(own.python())
    return own


async def helper(own):
    own.raw()
    await asyncio.sleep(0)
    own.raw()


async def nested(parent):
    own = Own(parent)
    await helper(own)  # a coroutine that is awaited is no task of its own
    await asyncio.gather(plain(own), plain(own))
    own.raw()
    await asyncio.wait_for(helper(own), None)
    own.raw()


async def cancelled(parent):
    own = Own(parent)
    try:
        own.raw()
        await asyncio.sleep(60)
    finally:
        own.raw()


async def failing(parent):
    own = Own(parent)
    own.raw()
    await asyncio.sleep(0)
    own.raw()
    raise ValueError("as it should be")


async def consumer(parent, queue, n):
    own = Own(parent)
    for _ in range(n):
        kept = await queue.get()
        own.raw()
        del kept


class Special(asyncio.Task):
    """A task type of the program's own."""


async def served(parent):
    owns = []

    async def handle(reader, writer):
        own = Own(None)
        parents[own.number] = -1  # made by the loop itself
        owns.append(own)
        own.raw()
        data = await reader.readline()
        own.raw()
        writer.write(data)
        await writer.drain()
        own.raw()
        writer.close()

    async def client(port):
        own = Own(parent)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        own.raw()
        writer.write(b"hello\n")
        await writer.drain()
        await reader.readline()
        own.raw()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(client(port) for _ in range(10)))
    server.close()


async def many(parent):
    """Short ones: their objects' addresses are used again and again."""
    own = Own(parent)
    for _ in range(100):
        own.raw()
        await asyncio.create_task(short(own))


async def short(parent):
    own = Own(parent)
    own.raw()
    await asyncio.sleep(0)
    own.raw()


async def main(outside):
    own = Own(None)
    parents[own.number] = -1
    own.raw()
    queue = asyncio.Queue()
    tasks = [asyncio.create_task(plain(own, queue)) for _ in range(10)]
    tasks.append(asyncio.create_task(consumer(own, queue, 10)))
    tasks.append(asyncio.ensure_future(nested(own)))
    stopped = asyncio.create_task(cancelled(own))
    wrong = asyncio.create_task(failing(own))
    special = Special(plain(own), loop=asyncio.get_running_loop())
    own.raw()
    await asyncio.sleep(0)
    stopped.cancel()
    await asyncio.gather(stopped, wrong, special, *tasks, return_exceptions=True)
    own.raw()
    asyncio.get_running_loop().call_soon(outside.raw)
    await asyncio.sleep(0.001)
    await served(own)
    await asyncio.create_task(many(own))
    await asyncio.get_running_loop().run_in_executor(None, outside.raw)


def other_loop():
    asyncio.run(loop_main())


async def loop_main():
    own = Own(None)
    parents[own.number] = -1
    own.raw()
    await asyncio.gather(plain(own), plain(own))


def run():
    outside = Own(None)  # number 0: no task
    if sys.argv[1:] == ["uvloop"]:
        import uvloop
        uvloop.install()
    outside.raw()
    threads = [threading.Thread(target=other_loop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(main(outside))
    gc.collect()
    outside.raw()
    print("base", BASE)
    for number, (count, size) in sorted(counts.items()):
        print("task", number, count, size, parents[number])


run()
