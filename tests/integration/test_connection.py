"""A host with several addresses: one that is silent does not cost the others."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from functions.clients.connection import connected, first_of
from tests.servers.port import free_port

SECONDS = 2.0


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listener whose queue is full: who connects now hears nothing."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server


def by(*listeners: socket.socket, seconds: float = SECONDS) -> socket.socket:
    places = [(socket.AF_INET, listener.getsockname()) for listener in listeners]
    return first_of(places, until=time.monotonic() + seconds)


def test_an_address_that_is_silent_leaves_time_for_the_next(
    silent: socket.socket, listening: socket.socket
) -> None:
    with by(silent, listening) as ours:
        assert ours.getpeername() == listening.getsockname()


def test_addresses_that_are_all_silent_take_no_longer_than_one(silent: socket.socket) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        by(silent, silent, silent, seconds=0.6)
    assert time.monotonic() - began < SECONDS


def test_a_refusal_is_told_as_such_and_the_next_address_tried(listening: socket.socket) -> None:
    nobody = (socket.AF_INET, ("127.0.0.1", free_port()))
    until = time.monotonic() + SECONDS
    with pytest.raises(ConnectionRefusedError):
        first_of([nobody], until=until)
    with first_of([nobody, (socket.AF_INET, listening.getsockname())], until=until) as ours:
        assert ours.getpeername() == listening.getsockname()


def test_what_is_late_already_is_not_tried(listening: socket.socket) -> None:
    with pytest.raises(TimeoutError):
        by(listening, seconds=0)


def test_a_connection_has_all_the_time_for_what_it_waits_for(listening: socket.socket) -> None:
    with connected("localhost", listening.getsockname()[1], seconds=SECONDS) as ours:
        assert ours.gettimeout() == SECONDS
