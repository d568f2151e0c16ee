"""The functions as real processes: events in over HTTP, readings out to a broker and a store."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from functions.core.events import (
    CHECK,
    PING,
    Event,
    believed,
    encode,
    reading_event,
    reading_of,
    sealed,
)
from functions.core.keyring import new_shared_key
from functions.core.monitor import MonitorSpec, utc_text
from functions.core.reading import Reading
from functions.core.seal import new_sealing_key, new_signing_key, public_of, sign_spec
from functions.stores.sqlite import SqliteReadings
from tests.servers.broker import Broker
from tests.servers.function import Function, framework_command, serve_command
from tests.servers.website import Website

SIGNING, SHARED = new_signing_key(), new_shared_key()


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture
def settings(tmp_path: Path, broker: Broker) -> dict[str, str]:
    (tmp_path / "spec.pub").write_text(public_of(SIGNING))
    (tmp_path / "poll.key").write_text(new_sealing_key())
    (tmp_path / "events.key").write_text(SHARED)
    return {
        "CLAUDE_MONITOR_KEYS": str(tmp_path),
        "CLAUDE_MONITOR_ALLOW_PRIVATE": "127.0.0.0/8",
        "CLAUDE_MONITOR_READINGS": str(tmp_path / "readings.db"),
        "BROKER_URL": broker.url,
    }


@pytest.fixture
def poll(settings: dict[str, str]) -> Iterator[Function]:
    with Function(serve_command("poll"), settings) as function:
        yield function


def document(url: str, signing_key: str = SIGNING) -> bytes:
    return sign_spec(
        MonitorSpec(
            id="shop",
            tenant="t",
            version=2,
            provider="website",
            config={"url": url},
            interval=60,
            phase=0,
        ),
        signing_key,
    )


def tick(data: bytes) -> tuple[dict[str, str], bytes]:
    """As PingSource sends it: an id of its own each time."""
    now, fresh = utc_text(time.time()), str(uuid4())
    return encode(Event(id=fresh, source="/pingsources/shop", type=PING, time=now, data=data))


def send_without_end(client: socket.socket) -> None:
    for _ in range(300):
        client.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("command", [serve_command, framework_command])
def test_a_signed_tick_becomes_one_sealed_reading_and_an_empty_204(
    command: Callable[[str], list[str]],
    settings: dict[str, str],
    website: Website,
    broker: Broker,
) -> None:
    with Function(command("poll"), settings) as function:
        assert function.post(*tick(document(website.url))) == (204, b"")
        assert function.post(*tick(document(website.url))) == (204, b"")
    first, again = (reading_of(believed(event, SHARED)) for event in broker.events)
    assert first.metrics["up"] == 1
    assert first.slot % 60 == 0
    assert first.id == again.id == broker.events[0].id == f"shop/{first.slot}"
    assert broker.events[0].extensions["monitortype"] == "website"


def test_a_key_is_rotated_while_poll_runs(
    poll: Function, settings: dict[str, str], website: Website, broker: Broker
) -> None:
    """As a kubelet does it: the files of a mounted Secret change under a running pod."""
    keys, newer, shared = Path(settings["CLAUDE_MONITOR_KEYS"]), new_signing_key(), new_shared_key()
    old, fresh = document(website.url), document(website.url, newer)
    assert [poll.post(*tick(data))[0] for data in (old, fresh)] == [204, 400]
    (keys / "spec.pub").write_text(public_of(f"{newer}\n{SIGNING}"))
    (keys / "events.key").write_text(f"{shared}\n{SHARED}")
    assert [poll.post(*tick(data))[0] for data in (old, fresh)] == [204, 204]
    (keys / "spec.pub").write_text(public_of(newer))
    assert [poll.post(*tick(data))[0] for data in (old, fresh)] == [400, 204]
    macs = [event.extensions["mac"].partition(".")[0] for event in broker.events]
    assert macs == [SHARED.partition(" ")[0], *[shared.partition(" ")[0]] * 3]


def test_a_key_file_that_somebody_damages_costs_no_event(
    poll: Function, settings: dict[str, str], website: Website
) -> None:
    """The fault is ours: the event is wanted again, and taken once the file is right again."""
    file = Path(settings["CLAUDE_MONITOR_KEYS"], "events.key")
    file.write_text("not a key")
    status, told = poll.post(*tick(document(website.url)))
    assert (status, b"events.key line 1" in told) == (503, True)
    file.write_text(SHARED)
    assert poll.post(*tick(document(website.url)))[0] == 204


def test_a_dead_target_is_a_reading_and_a_refusing_broker_is_a_503(
    poll: Function, website: Website, broker: Broker
) -> None:
    website.kill()
    assert poll.post(*tick(document(website.url)))[0] == 204
    assert reading_of(broker.events[0]).metrics == {"up": 0.0}
    for status in (500, 503, 400):
        broker.status = status
        assert poll.post(*tick(document(website.url)))[0] == 503
    assert len(broker.events) == 1


def test_an_event_that_is_not_ours_is_never_wanted_again_and_logged_once(
    poll: Function, website: Website, broker: Broker
) -> None:
    stranger = document(website.url, new_signing_key())
    for _ in range(3):
        status, body = poll.post(*tick(stranger))
        assert status == 400
        assert b"unsigned" in body
    headers, body = tick(document(website.url))
    refused = [
        (headers, body[:-20]),
        (headers, b""),
        (headers | {"ce-time": "2020-01-01T00:00:00Z"}, body),
        (headers | {"ce-type": "io.claudemonitor.alert"}, body),
        ({"content-type": "application/json"}, body),
    ]
    assert [poll.post(*event)[0] for event in refused] == [400] * len(refused)
    assert broker.events == []
    lines = [json.loads(line) for line in poll.end().splitlines()]
    unsigned = [line for line in lines if "unsigned" in line["message"]]
    assert len(unsigned) == 1
    assert "/pingsources/shop" in unsigned[0]["message"]


def test_a_check_answers_with_its_reading_and_emits_nothing(
    poll: Function, website: Website, broker: Broker
) -> None:
    event = Event(id="1", source="service", type=CHECK, data=document(website.url))
    assert poll.post(*encode(event))[0] == 400
    status, body = poll.post(*encode(sealed(event, SHARED)))
    assert (status, json.loads(body)["metrics"]["up"]) == (200, 1.0)
    assert broker.events == []


@pytest.mark.parametrize("command", [serve_command, framework_command])
def test_record_keeps_a_believed_reading_and_nothing_else(
    command: Callable[[str], list[str]], settings: dict[str, str], tmp_path: Path
) -> None:
    reading = Reading(
        tenant="t", monitor="shop", version=1, provider="website", slot=60, interval=60, at=60.5
    )
    event = reading_event(reading)
    with Function(command("record"), settings) as function:
        assert function.post(*encode(event))[0] == 400
        assert function.post(*encode(sealed(event, new_shared_key())))[0] == 400
        assert function.post(*encode(sealed(event, SHARED))) == (204, b"")
        assert function.post(*encode(sealed(event, SHARED))) == (204, b"")
    store = SqliteReadings(tmp_path / "readings.db")
    assert anyio.run(lambda: store.query("t", "shop", since=0, until=99, limit=9)) == [reading]
    store.close()


def test_a_body_beyond_a_mebibyte_is_refused_unread(poll: Function) -> None:
    with poll.connect() as greedy:
        greedy.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000000\r\n\r\n")
        assert greedy.recv(1000).startswith(b"HTTP/1.1 413 ")
    with poll.connect() as chunked:
        chunked.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            send_without_end(chunked)


@pytest.mark.parametrize(
    "begin",
    [
        b"POST /",
        b"POST / HTTP/1.1\r\nx-long: ",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-long: ",
    ],
    ids=("address", "header", "trailer"),
)
def test_a_request_that_does_not_end_is_refused_and_not_kept(poll: Function, begin: bytes) -> None:
    with poll.connect() as greedy:
        greedy.sendall(begin)
        with pytest.raises(ConnectionError):
            greedy.sendall(b"x" * 20_000_000)


def test_stuck_clients_are_closed_in_time_and_hold_up_nobody(
    poll: Function, website: Website
) -> None:
    stuck = [poll.connect() for _ in range(90)]
    began = time.monotonic()
    for number, client in enumerate(stuck):
        client.sendall(
            (b"", b"POST / HT", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nx")[number % 3]
        )
    assert poll.post(*tick(document(website.url)))[0] == 204
    assert time.monotonic() - began < 5
    for client in stuck:
        client.settimeout(max(15 - (time.monotonic() - began), 0.1))
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")
        assert client.recv(100) == b""
        client.close()


def test_an_idle_connection_is_kept_for_the_proxy_to_use_again(poll: Function) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", poll.port, timeout=10)
    for pause in (4, 0):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b""
        kept = connection.sock
        time.sleep(pause)
    assert connection.sock is kept
    connection.close()


def test_what_was_begun_is_finished_after_sigterm(
    poll: Function, website: Website, broker: Broker
) -> None:
    broker.delay = 1.5
    headers, body = tick(document(website.url))
    connection = http.client.HTTPConnection("127.0.0.1", poll.port, timeout=30)
    connection.request("POST", "/", body, headers)
    assert broker.asked.wait(10)
    poll.process.terminate()
    assert connection.getresponse().status == 204
    assert poll.process.wait(10) is not None
    assert len(broker.events) == 1
    connection.close()


def test_every_wrong_setting_is_named_before_anything_is_served(settings: dict[str, str]) -> None:
    wrong = settings | {
        "BROKER_URL": "broker",
        "CLAUDE_MONITOR_KEYS": "/nowhere",
        "CLAUDE_MONITOR_DEADLINE": "soon",
        "CLAUDE_MONITOR_ALLOW_PRIVATE": "10.0.0.0/8,home",
    }
    function = Function(serve_command("poll"), wrong)
    with pytest.raises(AssertionError) as caught, function:
        pass
    for name in ("BROKER_URL", "spec.pub", "poll.key", "events.key", "DEADLINE", "'home'"):
        assert name in str(caught.value)
    assert function.process.returncode == 2
