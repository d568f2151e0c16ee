"""The folder is the registry: a file's name is the channel's kind, imported when asked for."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from functions.core.alert_ports import Channel, ChannelRow
from functions.core.channel import ChannelKind, Lent, configured_channel
from functions.core.errors import NotFound


@cache
def names() -> tuple[str, ...]:
    """All kinds of channels, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load(kind: str) -> type[ChannelKind]:
    """The channel of this kind. Raises NotFound, with all there are."""
    if kind not in names():
        raise NotFound("There is no such kind of channel; there are: " + ", ".join(names()) + ".")
    channel: type[ChannelKind] = import_module(f"{__name__}.{kind}").CHANNEL
    return channel


def opened(row: ChannelRow, lent: Lent) -> Channel:
    """What sends to this channel. Raises NotFound for its kind, InvalidConfiguration for its
    fields, AccessDenied for what the operator has not set up."""
    # To the person mail is mail; whoever lends a key for SendGrid has decided how it goes.
    kind = "sendgrid" if row.kind == "email" and lent.sendgrid_api_key else row.kind
    return configured_channel(load(kind), row.config).sender(lent)
