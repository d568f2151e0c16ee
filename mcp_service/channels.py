"""Where alerts go: a channel counts only once its owner has sent back the code we mailed."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from functions import channels
from functions.core.alert_ports import ChannelRow, Message
from functions.core.errors import Fault, InvalidConfiguration, LimitReached
from functions.core.form import form_faults
from functions.core.monitor import utc_text
from mcp_service.database.records import CodeRecord
from mcp_service.refusals import listed, near, wrong
from mcp_service.results import Next, Result
from mcp_service.service import Service

LIFE = 600
TRIES = 5
SENDS = 10
"""A code is good for ten minutes and five tries; a tenant may have ten mailed in an hour."""


async def confirmed_faults(
    service: Service, tenant: str, *, names: Sequence[str]
) -> tuple[Fault, ...]:
    """What is wrong with these names of channels: unknown, not confirmed by their owner, or there
    twice."""
    known = {row.name for row in await asyncio.to_thread(service.records.channels, tenant)}
    found = []
    for place, name in enumerate(names):
        if name in names[:place]:
            found.append(Fault(f"channels[{place}]", "is there already; name each channel once"))
        elif name not in known:
            close = near(name, known) or sorted(known)[:5]
            have = f" (confirmed: {', '.join(close)})" if close else ""
            problem = f"names a channel that is not confirmed{have}; confirm it with set_channel"
            found.append(Fault(f"channels[{place}]", problem))
    return tuple(found)


async def send_code(
    service: Service, tenant: str, *, name: str, kind: str, config: dict[str, str]
) -> Result:
    """Mail a code to the address. Raises InvalidConfiguration for a wrong address or when the
    operator has set up no mail, LimitReached, SourceUnavailable when it was not accepted."""
    if found := form_faults(channels.load(kind), config):
        raise InvalidConfiguration(*found)
    now = service.clock.now()
    row = ChannelRow(tenant=tenant, name=name, kind=kind, config=config, confirmed=False)
    sender = service.channels(row)
    if free := await service.codes.count_send(tenant, limit=SENDS, at=now):
        text = f"{SENDS} codes were mailed within an hour; the next one is possible at"
        raise LimitReached(f"{text} {utc_text(int(free))}.")
    code = f"{secrets.randbelow(10**8):08d}"
    record = CodeRecord(
        tenant=tenant,
        channel=name,
        kind=kind,
        config=config,
        code_hash=_hashed(service, tenant, channel=name, code=code),
        expires_at=now + LIFE,
        tries_left=TRIES,
    )
    await service.codes.put(record)
    await sender.send(_mail(code, now))
    return Result(
        summary="A code was mailed to that address. Ask the person for it and call set_channel "
        "again with name and code, within 10 minutes.",
        data={"channel": name, "kind": kind, "state": "waiting for the code"},
        next=(Next("set_channel", "Confirm with the code from the mail.", {"name": name}),),
    )


async def confirm(service: Service, tenant: str, *, name: str, code: str) -> Result:
    """The channel becomes one alerts go to. Raises InvalidConfiguration for a wrong or dead code
    (how many tries are left is said)."""
    record = await service.codes.attempt(tenant, name)
    if record is None or record.expires_at < service.clock.now():
        raise wrong("code", "there is no live code for this channel; have a new one mailed")
    if not hmac.compare_digest(
        record.code_hash, _hashed(service, tenant, channel=name, code=code.strip())
    ):
        left = "1 try" if record.tries_left == 1 else f"{record.tries_left} tries"
        raise wrong("code", f"is not the one that was mailed; {left} left")
    row = ChannelRow(
        tenant=tenant, name=name, kind=record.kind, config=record.config, confirmed=True
    )
    await asyncio.to_thread(service.records.put_channel, row)
    await service.codes.drop(tenant, name)
    return Result(
        summary="Confirmed: alerts can go to this channel.",
        data={"channel": name, "kind": row.kind, "state": "confirmed"},
        next=(Next("update_monitor", "Let a monitor's alerts go there: channels."),),
    )


async def remove(service: Service, tenant: str, *, name: str) -> Result:
    """No alert can go there any more. Raises InvalidConfiguration while a monitor's alerts do, or
    when there is no such channel: nobody's alerts shall fall silent unseen."""
    known = sorted(row.name for row in await asyncio.to_thread(service.records.channels, tenant))
    if name not in known:
        raise wrong("name", f"is no confirmed channel; there are: {', '.join(known) or 'none'}")
    own = await asyncio.to_thread(service.database.monitors.of, tenant)
    if users := [monitor.name for monitor in own if name in monitor.channels]:
        problem = f"still gets alerts of {listed(users)}; take it out of their channels"
        raise wrong("name", f"{problem} with update_monitor first")
    await asyncio.to_thread(service.records.drop_channel, tenant, name)
    return Result(
        summary="Removed: nothing is sent there any more, nor what was still owed to it.",
        data={"channel": name, "state": "removed"},
        next=(Next("show_platform", "See which channels are left."),),
    )


def _mail(code: str, now: float) -> Message:
    return Message(
        id=f"code-{secrets.token_hex(16)}",
        subject="Your code for Claude Monitor",
        text=f"The code is {code}\n\nSomebody using Claude wants alerts of their monitors sent to "
        f"this address.\nIf that was you, give the code to Claude within 10 minutes. If not, "
        f"ignore this mail and pass the code on to nobody: without it nothing is sent here.\n",
        at=now,
    )


def _hashed(service: Service, tenant: str, *, channel: str, code: str) -> str:
    said = "\0".join(("code", tenant, channel, code)).encode()
    return hmac.new(service.pepper, said, hashlib.sha256).hexdigest()
