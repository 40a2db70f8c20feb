"""`python -m tests.standin [--port N] [--slots 16] …`: prints its port and serves until its input ends."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import fields

from aiohttp import web

from tests.standin.server import Config, StandIn


async def _serve(config: Config, port: int) -> None:
    runner = web.AppRunner(StandIn(config).app(), access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    server = site._server
    assert isinstance(server, asyncio.Server)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # Whoever started it holds the other end: it ends with them, however they end.
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    for option in fields(Config):
        default = option.default
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=type(default), default=default)
    said = vars(parser.parse_args())
    port = said.pop("port")
    asyncio.run(_serve(Config(**said), port))


if __name__ == "__main__":
    main()
