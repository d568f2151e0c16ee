"""Redirects, each hop through the door; and that a refused address is never even connected to."""

import os
import resource
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from functions.clients.http import CurlHttp, outbound_http
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.outbound import Door, OwnNetworkDown, Target
from functions.core.ports import HttpRequest
from functions.core.web import parse_url
from tests.servers.maze import Maze
from tests.servers.port import free_port

pytestmark = pytest.mark.anyio

NO_ROUTE = "255.255.255.255"
"""No connection can be made to it: the kernel says that the network is unreachable."""
SECRETS = {"Authorization": "Bearer t0ken", "Cookie": "session=t0ken", "X-Api-Key": "t0ken"}


class Names:
    """A name server that knows these names, each with its addresses in one text."""

    def __init__(self, **answers: str) -> None:
        self._answers = {name.replace("_", "."): answer for name, answer in answers.items()}

    async def resolve(self, host: str, *, seconds: float) -> Sequence[str]:
        return self._answers[host].split()


@pytest.fixture
async def maze() -> AsyncIterator[Maze]:
    async with Maze() as maze:
        yield maze


@pytest.fixture
async def elsewhere() -> AsyncIterator[Maze]:
    """Another origin."""
    async with Maze() as maze:
        yield maze


@pytest.fixture
def http() -> Iterator[CurlHttp]:
    client = outbound_http(["127.0.0.1"])
    yield client
    client.close()


async def test_a_redirect_is_followed_and_counted(maze: Maze, http: CurlHttp) -> None:
    maze.redirect("/", "/one")
    maze.redirect("/one", maze.url("/two?x=1"), 308)
    response = await http.fetch(HttpRequest(url=maze.url()))
    assert (response.status, response.body, response.redirects) == (200, b"ok", 2)
    assert response.url == maze.url("/two?x=1")
    assert response.connect > 0
    assert response.total > response.connect


async def test_a_redirect_that_may_not_be_followed_is_the_answer(
    maze: Maze, http: CurlHttp
) -> None:
    maze.redirect("/", "/one")
    response = await http.fetch(HttpRequest(url=maze.url(), redirects=0))
    assert (response.status, response.body) == (302, b"moved")
    assert maze.connections == 1


async def test_a_loop_ends_after_the_last_allowed_redirect(maze: Maze, http: CurlHttp) -> None:
    maze.redirect("/", "/again")
    maze.redirect("/again", "/")
    with pytest.raises(SourceUnavailable, match="redirects more than 3 times"):
        await http.fetch(HttpRequest(url=maze.url()))
    assert maze.connections == 4


@pytest.mark.parametrize(
    "to",
    [
        *("http://127.0.0.2:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/latest/"),
        *("//127.0.0.2:{port}/", "http://10.0.0.1/", "http://[::ffff:127.0.0.1]:{port}/"),
    ],
)
async def test_a_redirect_to_a_private_address_is_not_followed(
    maze: Maze, http: CurlHttp, to: str
) -> None:
    maze.redirect("/", to.format(port=maze.port))
    with pytest.raises(SourceUnavailable, match="redirects to an address that is not public"):
        await http.fetch(HttpRequest(url=maze.url()))
    assert maze.connections == 1


async def test_a_redirect_to_a_path_with_blanks_is_followed_as_browsers_do(
    maze: Maze, http: CurlHttp
) -> None:
    maze.redirect("/", "/new place/?q=a b")
    response = await http.fetch(HttpRequest(url=maze.url()))
    assert (response.status, response.redirects) == (200, 1)
    assert maze.requests[1].startswith("GET /new%20place/?q=a%20b HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "to",
    [
        *("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "javascript:alert(1)"),
        *("http://user:pass@127.0.0.1/", "http://2130706433/", "http://[::1", "http://a b/"),
    ],
)
async def test_a_redirect_to_anything_but_a_web_address_is_refused(
    maze: Maze, http: CurlHttp, to: str
) -> None:
    maze.redirect("/", to)
    with pytest.raises(SourceUnavailable) as refused:
        await http.fetch(HttpRequest(url=maze.url()))
    assert refused.value.message == "redirects to something that is not a web address"
    assert maze.connections == 1


async def test_secrets_stay_with_the_origin_they_were_meant_for(
    maze: Maze, elsewhere: Maze, http: CurlHttp
) -> None:
    maze.redirect("/", "/same")
    maze.redirect("/same", elsewhere.url("/other"))
    headers = {**SECRETS, "Accept": "text/html"}
    await http.fetch(HttpRequest(url=maze.url(), headers=headers))
    assert all(request.count("t0ken") == 3 for request in maze.requests)
    [leaked] = elsewhere.requests
    assert "t0ken" not in leaked
    assert "Accept: text/html" in leaked


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (303, "HEAD", "HEAD", ""),
        (302, "PUT", "PUT", "ping"),
        (307, "POST", "POST", "ping"),
        (308, "POST", "POST", "ping"),
    ],
)
async def test_method_and_body_follow_the_status(
    maze: Maze, http: CurlHttp, status: int, method: str, then: str, body: str
) -> None:
    maze.redirect("/", "/then", status)
    sent = b"" if method == "HEAD" else b"ping"
    await http.fetch(HttpRequest(url=maze.url(), method=method, body=sent))
    assert maze.requests[1].startswith(f"{then} /then HTTP/1.1\r\n")
    assert maze.requests[1].partition("\r\n\r\n")[2] == body


@pytest.mark.parametrize(("method", "said"), [("POST", True), ("PUT", True), ("GET", False)])
async def test_a_body_that_could_have_been_sent_is_said_to_be_empty(
    maze: Maze, http: CurlHttp, method: str, said: bool
) -> None:
    await http.fetch(HttpRequest(url=maze.url(), method=method))
    head = maze.requests[-1].lower()
    assert head.startswith(method.lower())
    assert ("\r\ncontent-length: 0\r\n" in head) is said
    assert "content-type" not in head


async def test_nothing_reaches_a_listener_that_is_not_allowed(maze: Maze) -> None:
    http = CurlHttp(Door(Names(sly_example="127.0.0.1", six_example="::1")))
    for host in ("127.0.0.1", "sly.example", "six.example", "[::ffff:7f00:1]", "[::1]", "0.0.0.0"):
        with pytest.raises(InvalidConfiguration, match="CLAUDE_MONITOR_ALLOW_PRIVATE"):
            await http.fetch(HttpRequest(url=maze.url(host=host)))
    with pytest.raises(InvalidConfiguration, match="this machine"):
        await outbound_http().fetch(HttpRequest(url=maze.url(host="localhost")))
    assert maze.connections == 0


class Careless(Door):
    """A door that does not look when it opens, only at the socket."""

    async def open(self, text: str, *, field: str = "url", seconds: float = 10.0) -> Target:
        return Target(parse_url(text, field=field), ("8.8.8.8",))


async def test_the_second_fence_stands_at_the_socket(maze: Maze) -> None:
    http = CurlHttp(Careless(Names()))
    with pytest.raises(InvalidConfiguration, match="the door refuses this address"):
        await http.fetch(HttpRequest(url=maze.url()))
    assert maze.connections == 0


async def test_the_name_is_sent_and_the_checked_address_connected_to(maze: Maze) -> None:
    http = CurlHttp(Door(Names(shop_example="127.0.0.1"), ["127.0.0.1"]))
    response = await http.fetch(HttpRequest(url=maze.url(host="shop.example")))
    assert response.address == "127.0.0.1"
    assert f"Host: shop.example:{maze.port}\r\n" in maze.requests[0]


async def test_proxies_of_the_environment_are_ignored(
    maze: Maze, http: CurlHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert (await http.fetch(HttpRequest(url=maze.url()))).status == 200


async def test_having_no_free_descriptor_says_nothing_about_the_target(
    maze: Maze, http: CurlHttp
) -> None:
    await http.fetch(HttpRequest(url=maze.url()))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(OwnNetworkDown, match="no socket left"):
            await http.fetch(HttpRequest(url=maze.url()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("addresses", [f"127.0.0.1 {NO_ROUTE}", f"{NO_ROUTE} 127.0.0.1"])
async def test_one_address_without_a_route_does_not_make_a_refusal_our_own_fault(
    addresses: str,
) -> None:
    """As a site with an IPv6 address is for a machine without IPv6."""
    door = Door(Names(shop_example=addresses), ["127.0.0.1", NO_ROUTE])
    with pytest.raises(SourceUnavailable) as failed:
        await CurlHttp(door).fetch(HttpRequest(url=f"http://shop.example:{free_port()}/"))
    assert not isinstance(failed.value, OwnNetworkDown), failed.value.cause


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nHost: b"}, {"X\r\n": "a"}, {"Host": "b"}, {"Content-Length": "0"}, {"X Y": "a"}],
)
async def test_headers_that_would_split_the_request_are_refused(
    maze: Maze, http: CurlHttp, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidConfiguration):
        await http.fetch(HttpRequest(url=maze.url(), headers=headers))
    assert maze.connections == 0
