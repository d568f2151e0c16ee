"""The keys of one installation: made once, kept in files that only their owner can read."""

import secrets
from collections.abc import Mapping
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
KEY_FILES = (
    *("spec.key", "spec.pub", "events.key", "pepper"),
    *(f"{role}.{half}" for role in ROLES for half in ("key", "pub")),
)
TOKEN = "CLAUDE_MONITOR_TOKEN"  # noqa: S105 - the name of a setting
KEY_SECRETS = {
    "service-keys": ("spec.key", "events.key", "pepper", "poll.pub", "notify.pub"),
    "service-token": (TOKEN,),
    "poll-keys": ("spec.pub", "events.key", "poll.key"),
    "record-keys": ("events.key",),
    "alert-keys": ("events.key",),
    "notify-keys": ("events.key", "notify.key"),
}
"""The files of each Secret of a cluster. The service comes first: what it alone has is then never
made twice."""


def completed(known: Mapping[str, str]) -> dict[str, str]:
    """All key files by name: what is known stays and what is missing is made. The public halves
    always follow from the private ones."""
    files = {
        "spec.key": known.get("spec.key") or new_signing_key(),
        "events.key": known.get("events.key") or new_shared_key(),
        "pepper": known.get("pepper") or secrets.token_hex(32),
    }
    files["spec.pub"] = public_of(files["spec.key"])
    for role in ROLES:
        files[f"{role}.key"] = known.get(f"{role}.key") or new_sealing_key()
        files[f"{role}.pub"] = sealing_public_of(files[f"{role}.key"])
    return files


def make_keys(folder: Path) -> list[str]:
    """Make what is missing and leave what is there; public halves follow a private key that was
    changed. Returns the names of what was written."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = {
        name: (folder / name).read_text(encoding="ascii").strip()
        for name in KEY_FILES
        if (folder / name).exists()
    }
    made = {name: text for name, text in completed(known).items() if known.get(name) != text}
    for name, text in made.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="ascii")
    return list(made)


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
