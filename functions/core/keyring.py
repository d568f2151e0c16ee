"""Keys as text, one `KEYID BASE64` a line: the first one is used, all of them are believed, so a
new key is known everywhere, below the old one, before it goes to the top and is used. Standard
library only: record and alert check MACs without loading any cryptography."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from functools import lru_cache

from functions.core.errors import Fault, InvalidConfiguration

KEY_BYTES = 32


def key_line(raw: bytes, *, named_after: bytes = b"") -> str:
    """One line of a key file. The id is taken from the public half where there is one."""
    return f"{key_id(named_after or raw)} {base64.b64encode(raw).decode()}"


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:8]


def new_shared_key() -> str:
    """A key for the functions' HMAC."""
    return key_line(secrets.token_bytes(KEY_BYTES))


@lru_cache(maxsize=16)
def parse_keys(text: str, *, file: str = "keys") -> dict[str, bytes]:
    """Raw keys by id, the current one first. Raises InvalidConfiguration naming file and line."""
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, raw = _parsed(line, f"{file} line {number}")
            keys[name] = raw
    if not keys:
        raise InvalidConfiguration(Fault(file, "no key here; `claude-monitor setup` makes them"))
    return keys


def _parsed(line: str, place: str) -> tuple[str, bytes]:
    name, _, encoded = line.strip().partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise InvalidConfiguration(Fault(place, "must be a key id, a space and 32 bytes in base64"))
    return name, raw


def mac(shared_keys: str, parts: Iterable[bytes]) -> str:
    """HMAC-SHA256 of the parts under the current key, as `KEYID.HEX`. Each part is preceded by its
    length, so that no two lists of parts read the same."""
    name, key = next(iter(parse_keys(shared_keys).items()))
    return f"{name}.{_digest(key, parts)}"


def mac_matches(shared_keys: str, parts: Iterable[bytes], *, given: str) -> bool:
    """Whether `given` is the MAC of the parts under any key that is still valid."""
    name, _, digest = given.partition(".")
    key = parse_keys(shared_keys).get(name)
    # As bytes: of texts it takes ASCII only, and `given` may be anything.
    return key is not None and hmac.compare_digest(_digest(key, parts).encode(), digest.encode())


def _digest(key: bytes, parts: Iterable[bytes]) -> str:
    framed = b"".join(len(part).to_bytes(4) + part for part in parts)
    return hmac.digest(key, framed, "sha256").hex()
