"""`python -m torture.cluster_wire LISTEN:PORT CONNECT:PORT ...`: carries bytes from one address to another, until it is
ended. The stand-ins of the world outside (the provider's sandbox, the mail server) listen on loopback alone, and each
host of `torture.cluster` has a loopback of its own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


async def _wire(listen: str, connect: str) -> None:
    host, _colon, port = connect.rpartition(":")

    async def open_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, back), _carry(there, writer))

    here, _colon, own = listen.rpartition(":")
    server = await asyncio.start_server(open_one, here, int(own))
    await server.serve_forever()


async def main(pairs: list[str]) -> None:
    """Carry between each pair of addresses."""
    await asyncio.gather(*(_wire(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
