"""The channel contract: one msgspec struct whose fields are the form and whose sender is the
behaviour. Nothing else in the repository changes when a channel is added."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from functions.core.errors import InvalidConfiguration
from functions.core.form import form_faults
from functions.core.ports import Channel
from functions.core.provider import SecretSlot

Kind = TypeVar("Kind", bound="ChannelKind")


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime lends a channel: the operator's mail server (`smtp://` or `smtps://`, with
    user and password if it wants them), the address mail comes from, and the seconds that one
    message may take."""

    smtp_url: str = ""
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
