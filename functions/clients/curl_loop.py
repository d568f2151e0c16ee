"""Runs curl's transfers inside the running loop: curl says which descriptors and which timer it
waits for, the loop says when they are ready."""

import asyncio
from typing import Any

# Numbers of libcurl's CURL_POLL_*, CURL_CSELECT_* and CURL_SOCKET_TIMEOUT, which never change.
_IN, _OUT, _TIMEOUT = 1, 2, -1


class CurlLoop:
    """Drives one CurlMulti, whose socket and timer callbacks are `watch` and `schedule`."""

    def __init__(self, multi: Any) -> None:
        self._multi = multi
        self._waiting: dict[Any, asyncio.Future[int]] = {}
        self._watched: dict[int, int] = {}
        self._timer: asyncio.Handle | None = None

    async def perform(self, easy: Any) -> int:
        """Run one prepared handle to its end; curl's result code."""
        self._loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = self._loop.create_future()
        self._waiting[easy] = done
        self._multi.add_handle(easy)
        try:
            return await done
        finally:
            del self._waiting[easy]
            self._multi.remove_handle(easy)

    def close(self) -> None:
        """Give up all that is under way."""
        for done in self._waiting.values():
            done.cancel()
        self.schedule(-1)

    def watch(self, what: int, descriptor: int, *_: Any) -> None:
        """Take curl's wish for a descriptor. What is new comes first: a descriptor that nobody
        watches in between would be registered with the kernel anew."""
        before = self._watched.pop(descriptor, 0)
        wanted = what & (_IN | _OUT)
        if wanted & ~before & _IN:
            self._loop.add_reader(descriptor, self._act, descriptor, _IN)
        if wanted & ~before & _OUT:
            self._loop.add_writer(descriptor, self._act, descriptor, _OUT)
        if before & ~wanted & _IN:
            self._loop.remove_reader(descriptor)
        if before & ~wanted & _OUT:
            self._loop.remove_writer(descriptor)
        if wanted:
            self._watched[descriptor] = wanted

    def schedule(self, milliseconds: int) -> None:
        """Take curl's wish for its one timer; -1 takes it back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if milliseconds == 0:
            self._timer = self._loop.call_soon(self._act, _TIMEOUT, 0)
        elif milliseconds > 0:
            seconds = milliseconds / 1000
            self._timer = self._loop.call_later(seconds, self._act, _TIMEOUT, 0)

    def _act(self, descriptor: int, event: int) -> None:
        _, running = self._multi.socket_action(descriptor, event)
        if running < len(self._waiting):
            _, succeeded, failed = self._multi.info_read()
            for easy in succeeded:
                self._settle(easy, 0)
            for easy, code, _text in failed:
                self._settle(easy, code)

    def _settle(self, easy: Any, code: int) -> None:
        done = self._waiting.get(easy)
        if done is not None and not done.done():
            done.set_result(code)
