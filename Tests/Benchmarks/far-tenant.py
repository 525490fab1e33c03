#!/usr/bin/env python3
"""How long a call takes an old application that opens a new TLS connection for each, and how long through the sidecar, when the tenant
is far away: a relay between them adds 20 ms each way, to the opening of a connection as well.

  Tests/Benchmarks/far-tenant.py [BUILD_FOLDER]     default .build/release; needs the programs ciam-sidecar and tenant-emulator
"""
import asyncio, http.client, json, os, ssl, statistics, sys, tempfile, time

from programs import BESIDE_EMULATOR, listening, start, stop

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release")
DELAY = 0.020
CALLS = 50


async def pump(reader, writer):
    """Passes bytes on DELAY later, however many are on their way."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    async def write():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if data is None:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    writing = asyncio.create_task(write())
    while True:
        data = await reader.read(65536)
        queue.put_nowait((loop.time() + DELAY, data or None))
        if not data:
            break
    await writing


async def relay(port, ready):
    async def serve(reader, writer):
        # SYN and its answer.
        await asyncio.sleep(2 * DELAY)
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def timed(call):
    times = []
    for _ in range(CALLS):
        before = time.perf_counter()
        call()
        times.append((time.perf_counter() - before) * 1000)
    return statistics.median(times)


def main():
    with tempfile.TemporaryDirectory() as folder:
        emulator, line = start(os.path.join(FOLDER, "tenant-emulator"), ["--directory", folder], '"control"')
        processes = [emulator]
        try:
            port = int(json.loads(line)["url"].rsplit(":", 1)[1])
            far = {}
            from threading import Event, Thread
            ready = Event()

            def tell(number):
                far["port"] = number
                ready.set()

            Thread(target=lambda: asyncio.run(relay(port, tell)), daemon=True).start()
            ready.wait()
            sidecar, line = start(
                os.path.join(FOLDER, "ciam-sidecar"), [], " ready ",
                SIDECAR_TENANT_URL=f"https://localhost:{far['port']}",
                SIDECAR_CA_FILE=folder + "/ca.pem", SIDECAR_STORE_URL="memory:", **BESIDE_EMULATOR)
            processes.append(sidecar)
            local = listening(line)
            path, fields = "/api/v2/tenant/echo", {"Content-Type": "application/json"}

            def through():
                connection = http.client.HTTPConnection("127.0.0.1", local)
                connection.request("POST", path, "{}", fields)
                connection.getresponse().read()

            trust = ssl.create_default_context(cafile=folder + "/ca.pem")

            def alone():
                connection = http.client.HTTPSConnection("localhost", far["port"], context=trust)
                connection.request("POST", path, "{}", fields)
                connection.getresponse().read()

            through()
            direct, shared = timed(alone), timed(through)
            print("| | ms for a call (median of %d) |\n|---|---|" % CALLS)
            print("| a new TLS connection for each call | %.1f |" % direct)
            print("| the same through the sidecar | %.1f |" % shared)
            print("| ratio | %.2f |" % (direct / shared))
        finally:
            stop(processes)


main()
