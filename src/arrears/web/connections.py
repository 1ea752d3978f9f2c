"""uvicorn's HTTP/1.1 connection (h11, which takes nothing that is not the standard's), with limits that it lacks: how
long a head may take, how many connections there are, and how long an answer may wait to be read."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from arrears.web.bridge import WholeAnswer
from arrears.web.gate import plain

HEAD_SECONDS_MAX: Final = 10.0
KEPT_SECONDS: Final = 5
"""So long a connection is kept for the next request."""
CONNECTIONS_MAX: Final = 2_000
"""Of one process. Above it the one that has been waiting for its request the longest makes room for who comes."""
UNREAD_ANSWER_SECONDS_MAX: Final = 30.0


class Connection(H11Protocol):
    """One connection. It *waits* while no request has come whole and nothing is being answered."""

    _late: asyncio.TimerHandle | None = None
    _since: float = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and make room."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._mind_the_time()
        if len(self.connections) > CONNECTIONS_MAX:
            there = [one for one in self.connections if isinstance(one, Connection) and not one.transport.is_closing()]
            waiting = [one for one in there if one.waits]
            if len(there) > CONNECTIONS_MAX and waiting:
                min(waiting, key=lambda one: one._since).transport.abort()

    @property
    def waits(self) -> bool:
        """Nothing is being answered here: a request is still coming in, or none is."""
        cycle: Any = self.cycle  # None until the first request
        return cycle is None or cycle.response_complete or cycle.more_body

    def data_received(self, octets: bytes) -> None:
        """Take what has come."""
        super().data_received(octets)
        self._mind_the_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._no_hurry()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request may come, once this answer has been read."""
        self._since = self.loop.time()
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(UNREAD_ANSWER_SECONDS_MAX, self._unread, self.transport)
        self._mind_the_time(begun=bool(self.conn.trailing_data[0]))

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is answered like everything that no page can answer."""
        self._refuse(plain(400, "This is not a request that can be understood."))

    def _mind_the_time(self, *, begun: bool = True) -> None:
        """A head has so much time from its first byte on, or from the beginning of the connection."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._no_hurry()
        elif begun and self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(HEAD_SECONDS_MAX, self._too_late)

    def _no_hurry(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        self._refuse(plain(408, "The request did not come to its end in time."))

    def _refuse(self, answer: WholeAnswer) -> None:
        """Answer in place of whoever may be answering: what they say comes too late, as where the client has gone."""
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        body = answer.body
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            body = b"" if cycle.scope["method"] == "HEAD" else body
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        headers = [*answer.headers, (b"connection", b"close")]
        for event in (h11.Response(status_code=answer.status, headers=headers), h11.Data(body)):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()

    @staticmethod
    def _unread(transport: asyncio.Transport) -> None:
        """An answer that nobody reads is not kept for ever."""
        if transport.get_write_buffer_size():
            transport.abort()
