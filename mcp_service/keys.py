"""The keys of one installation: made once, kept in files that only their owner can read."""

import secrets
from collections.abc import Callable
from pathlib import Path

from functions.core.errors import AccessDenied
from functions.core.seal import (
    new_sealing_key,
    new_shared_key,
    new_signing_key,
    public_of,
    sealing_public_of,
)

ROLES = ("poll", "notify")
"""The functions that open secrets; each has a key pair of its own."""


def make_keys(folder: Path) -> list[str]:
    """Make what is missing and leave what is there. Returns the names of what was made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made: list[str] = []

    def keep(name: str, make: Callable[[], str]) -> str:
        path = folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(make() + "\n", encoding="ascii")
            made.append(name)
        return path.read_text(encoding="ascii").strip()

    signing = keep("spec.key", new_signing_key)
    keep("spec.pub", lambda: public_of(signing))
    keep("events.key", new_shared_key)
    keep("pepper", lambda: secrets.token_hex(32))
    for role in ROLES:
        private = keep(f"{role}.key", new_sealing_key)
        keep(f"{role}.pub", lambda private=private: sealing_public_of(private))  # type: ignore[misc]
    return made


def read_key(folder: Path, name: str) -> str:
    """One key's text. Raises AccessDenied naming the file and what to do."""
    path = folder / name
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise AccessDenied(
            f"The key {path} cannot be read; run: claude-monitor setup", cause=str(error)
        ) from error


def sealing_keys(folder: Path) -> dict[str, str]:
    """The public sealing keys by role."""
    return {role: read_key(folder, f"{role}.pub") for role in ROLES}
