"""Which addresses are public: our own table, because the ipaddress module's flags are wrong for
NAT64, 6to4, site-local, CGNAT and the metadata addresses of clouds."""

import ipaddress
import socket
from collections.abc import Iterable
from functools import cache, lru_cache

from functions.core.errors import Fault, InvalidConfiguration

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ALLOW_SETTING = "CLAUDE_MONITOR_ALLOW_PRIVATE"
"""The one setting by which the operator lets private targets through."""

SPECIAL: dict[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "a private network",
    "100.64.0.0/10": "a carrier's network",
    "127.0.0.0/8": "this machine",
    "168.63.129.16/32": "a cloud's own service",
    "169.254.0.0/16": "a local link or a cloud's metadata",
    "172.16.0.0/12": "a private network",
    "192.0.0.0/24": "a protocol assignment or a cloud's metadata",
    "192.0.2.0/24": "a documentation example",
    "192.31.196.0/24": "a DNS sink (AS112)",
    "192.52.193.0/24": "a multicast relay",
    "192.88.99.0/24": "a 6to4 relay",
    "192.168.0.0/16": "a private network",
    "192.175.48.0/24": "a DNS sink (AS112)",
    "198.18.0.0/15": "a benchmark network",
    "198.51.100.0/24": "a documentation example",
    "203.0.113.0/24": "a documentation example",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved or broadcast",
    "::/128": "unspecified",
    "::1/128": "this machine",
    "::/96": "an IPv4 address in disguise",
    "::ffff:0:0/96": "an IPv4 address in disguise",
    "::ffff:0:0:0/96": "an IPv4 address in disguise",
    "64:ff9b::/96": "an IPv4 address behind NAT64",
    "64:ff9b:1::/48": "an IPv4 address behind NAT64",
    "100::/64": "discarded",
    "100:0:0:1::/64": "discarded",
    "2001::/32": "a Teredo tunnel",
    "2001:2::/48": "a benchmark network",
    "2001:3::/32": "a multicast relay",
    "2001:4:112::/48": "a DNS sink (AS112)",
    "2001:10::/28": "a hash, not a place (ORCHID)",
    "2001:20::/28": "a hash, not a place (ORCHID)",
    "2001:30::/28": "a drone's identity",
    "2001::/23": "a protocol assignment",
    "2001:db8::/32": "a documentation example",
    "2002::/16": "a 6to4 tunnel",
    "2620:4f:8000::/48": "a DNS sink (AS112)",
    "3ffe::/16": "the former 6bone",
    "3fff::/20": "a documentation example",
    "5f00::/16": "a segment identifier",
    "fc00::/7": "a private network",
    "fe80::/10": "a local link",
    "fec0::/10": "a private network (site-local)",
    "ff00::/8": "multicast",
}
"""The IANA special-purpose registries of IPv4 and IPv6 (RFC 6890 and later), multicast, and what
clouds answer their guests on. The first row that holds an address names it."""

_TABLE: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(text), what) for text, what in SPECIAL.items()
)
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out for IPv6 so far; the rest is nobody's."""


@lru_cache(maxsize=8192)
def not_public(address: str) -> str:
    """What an address is when it is not a public one, in our words; nothing when it is public."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "not an address"
    for network, what in _TABLE:
        if parsed in network:
            return what
    if isinstance(parsed, ipaddress.IPv6Address) and parsed not in _UNICAST:
        return "not assigned to anybody"
    return ""


def networks(texts: Iterable[str], *, setting: str = ALLOW_SETTING) -> tuple[Network, ...]:
    """The networks of an allow list (`10.0.0.0/8`, `192.168.1.7`). Raises InvalidConfiguration
    with every text that is not one."""
    found, faults = [], []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text.strip()))
        except ValueError:
            problem = f"{text.strip()!r} is not a network; write it like 10.0.0.0/8 or fd00::/8"
            faults.append(Fault(setting, problem))
    if faults:
        raise InvalidConfiguration(*faults)
    return tuple(found)


def is_own(address: str) -> bool:
    """Whether this machine itself answers at `address`, tried by binding to it: no packet leaves,
    and unlike a list read at the start it stays true when addresses change."""
    return _binds(address) and _binding_tells()


@cache
def _binding_tells() -> bool:
    """False where the kernel binds to anything (ip_nonlocal_bind of fail-over pairs)."""
    return not _binds("192.0.2.1")


def _binds(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError:
        return False
    return True
