"""Servers that attack whoever asks them: the deadline, the memory and the words hold."""

from collections.abc import Iterator

import pytest

from tests.servers.hostile import Hostile
from tests.servers.port import free_port
from tests.servers.visitor import Visit, visit

DEADLINE = 2.0
LATEST = DEADLINE * 1.05 + 0.15
"""5 % over the deadline, and 150 ms that another program may hold the processor."""
VISITS = 3
"""At most: whoever is late by himself is late each time, another program's turn is not."""
MEMORY = 4 * 1024
"""KiB by which one hostile check may make the process grow."""
MIB = 1024 * 1024


def punctual(url: str, *, warm_up: str) -> Visit:
    """The first visit that ended in time, or the last one."""
    for _ in range(VISITS):
        seen = visit(url, warm_up=warm_up, deadline=DEADLINE)
        if seen.seconds <= LATEST:
            break
    return seen


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with Hostile() as server:
        yield server


@pytest.mark.parametrize(
    ("attack", "stage"),
    [
        ("drip", "reading the answer"),
        ("drip_headers", "reading the answer"),
        ("silent", "waiting for the answer"),
    ],
)
def test_the_deadline_holds_against_whoever_keeps_us_waiting(
    hostile: Hostile, attack: str, stage: str
) -> None:
    seen = punctual(hostile.url(attack), warm_up=hostile.url("honest"))
    assert seen.words == f"no complete answer within 2 s ({stage})"
    assert DEADLINE <= seen.seconds <= LATEST
    assert seen.grown <= MEMORY


def test_the_deadline_holds_against_a_stuck_tls_handshake(hostile: Hostile) -> None:
    seen = punctual(hostile.stuck_tls, warm_up=hostile.url("honest"))
    assert seen.words == "no complete answer within 2 s (TLS handshake)"
    assert DEADLINE <= seen.seconds <= LATEST
    assert seen.grown <= MEMORY


@pytest.mark.parametrize("attack", ["gzip_bomb", "endless_body"])
def test_a_body_without_end_is_cut_at_one_mebibyte(hostile: Hostile, attack: str) -> None:
    seen = punctual(hostile.url(attack), warm_up=hostile.url("honest"))
    assert (seen.status, seen.kept, seen.truncated) == (200, MIB, True)
    assert seen.seconds <= LATEST
    assert seen.grown <= MEMORY


def test_the_gauge_would_see_a_body_that_is_not_cut(hostile: Hostile) -> None:
    url, honest = hostile.url("gzip_bomb"), hostile.url("honest")
    assert visit(url, warm_up=honest, deadline=DEADLINE, body_limit=8 * MIB).grown > MEMORY


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ("double_bomb", "the answer is compressed more than once"),
        ("endless_headers", "the answer's headers are longer than 64 KiB"),
        ("endless_interim", "the answer's headers are longer than 64 KiB"),
        ("endless_trailers", "the answer's headers are longer than 64 KiB"),
        ("long_header", "the answer's headers are too long"),
        ("half", "the answer broke off"),
        ("nothing", "the connection was closed without an answer"),
        ("reset", "the connection was reset"),
        ("not_http", "the answer is not HTTP"),
        ("not_gzip", "the compressed answer is broken"),
    ],
)
def test_a_broken_answer_fails_at_once_in_our_words(
    hostile: Hostile, attack: str, words: str
) -> None:
    seen = visit(hostile.url(attack), warm_up=hostile.url("honest"), deadline=DEADLINE)
    assert (seen.status, seen.words) == (0, words)
    assert seen.seconds < DEADLINE
    assert seen.grown <= MEMORY


def test_nobody_listening_is_a_refused_connection(hostile: Hostile) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/"
    seen = visit(nobody, warm_up=hostile.url("honest"), deadline=DEADLINE)
    assert seen.words == "the connection was refused"
