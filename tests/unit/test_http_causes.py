"""Whose fault it is that no connection could be made."""

import errno

import pytest

from functions.clients.http_causes import REFUSED, failure
from functions.clients.route import has_route
from functions.core.outbound import OwnNetworkDown


@pytest.mark.parametrize(
    ("last_error", "routes", "ours"),
    [
        (errno.ENETUNREACH, {"192.0.2.1": False}, True),
        (errno.ENETUNREACH, {"192.0.2.1": False, "2001:db8::1": False}, True),
        (errno.EADDRNOTAVAIL, {"2001:db8::1": False}, True),
        (errno.ENETUNREACH, {"192.0.2.1": True, "2001:db8::1": False}, False),
        (errno.EADDRNOTAVAIL, {"192.0.2.1": True, "2001:db8::1": False}, False),
        # A router on the way says that there is no way on.
        (errno.ENETUNREACH, {"192.0.2.1": True}, False),
        # All our ports to this address are in use.
        (errno.EADDRNOTAVAIL, {"192.0.2.1": True}, True),
        (errno.EMFILE, {"192.0.2.1": True}, True),
        (errno.ECONNREFUSED, {"192.0.2.1": True, "2001:db8::1": False}, False),
        (errno.ECONNREFUSED, {"192.0.2.1": False}, False),
    ],
)
def test_it_is_ours_only_when_no_address_could_have_been_reached(
    last_error: int, routes: dict[str, bool], ours: bool
) -> None:
    error = failure(
        REFUSED, os_error=last_error, verify=0, addresses=list(routes), routed=routes.__getitem__
    )
    assert isinstance(error, OwnNetworkDown) is ours


def test_this_machine_has_a_route_to_itself() -> None:
    assert has_route("127.0.0.1")
