"""A real SMTP server that keeps what it accepts."""

import email
import email.policy
import time
from email.message import EmailMessage
from typing import Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.port import free_port

STARTS_WITHIN = 30.0


class Mailbox:
    """`with Mailbox() as mailbox:` accepts mail at `mailbox.url` from anybody to anybody.

    `reply` is what it says after the message; anything but 250 means that it was not kept."""

    def __init__(self) -> None:
        self.port = free_port()
        self.reply = "250 OK"
        self._kept: list[EmailMessage] = []
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """In the order of their arrival."""
        return list(self._kept)

    def wait_for(self, count: int, *, timeout: float = 10.0) -> list[EmailMessage]:
        """The messages, as soon as there are `count` of them."""
        until = time.monotonic() + timeout
        while len(arrived := self.messages()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(arrived)} of {count} mails after {timeout} s")
            time.sleep(0.02)
        return arrived

    def start(self) -> None:
        """Serve on the same port as before; what was kept stays."""
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ready_timeout=STARTS_WITHIN
        )
        self._controller.start()

    def stop(self) -> None:
        """From now on connections are refused."""
        controller, self._controller = self._controller, None
        if controller:
            controller.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = cast(bytes, envelope.content)
        if self.reply.startswith("250"):
            self._kept.append(email.message_from_bytes(content, policy=email.policy.default))
        return self.reply
