"""The channel contract: one msgspec struct whose fields are the form and whose sender is the
behaviour. Nothing else in the repository changes when a channel is added."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from functions.core.alert_ports import Channel
from functions.core.errors import InvalidConfiguration
from functions.core.form import form_faults
from functions.core.provider import SecretSlot

Kind = TypeVar("Kind", bound="ChannelKind")

# The address of the HTML standard, narrower than RFC 5322: no quotes, comments, routes or literals.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_ADDRESS = rf"^(?=.{{1,64}}@){_LOCAL}@{_LABEL}(?:\.{_LABEL})*$(?!\n)"

MailAddress = Annotated[
    str,
    msgspec.Meta(
        title="Address",
        description="Where alerts are mailed to. A code is mailed there first, to confirm it.",
        max_length=254,
        pattern=_ADDRESS,
        examples=["you@example.org"],
        extra_json_schema={"words": "a mail address of at most 254 characters"},
    ),
]
"""The one question of every kind of channel that sends mail."""


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime lends a channel: the operator's mail server (`smtp://` or `smtps://`, with
    user and password if it wants them) or SendGrid account (`sendgrid_url` only when it is not at
    SendGrid's usual address), the address mail comes from, and the seconds that one message may
    take."""

    smtp_url: str = ""
    sendgrid_api_key: str = ""
    sendgrid_url: str = ""
    mail_from: str = ""
    deadline: float = 10.0


class ChannelKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all kinds of channels. Subclasses carry their fields with title and description in
    msgspec.Meta, and implement `sender`."""

    keywords: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[tuple[SecretSlot, ...]] = ()

    def sender(self, lent: Lent) -> Channel:
        """What sends to this place. Raises InvalidConfiguration when what the runtime lends does
        not suffice."""
        raise NotImplementedError


def configured_channel(kind: type[Kind], config: Mapping[str, Any]) -> Kind:
    """The channel with these fields. Raises InvalidConfiguration with every fault."""
    if found := form_faults(kind, config):
        raise InvalidConfiguration(*found)
    return msgspec.convert(config, kind)
