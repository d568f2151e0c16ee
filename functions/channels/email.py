"""Mail over the operator's SMTP server."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import ClassVar

from functions.clients import smtp
from functions.core.alert_ports import Message
from functions.core.channel import ChannelKind, Lent, MailAddress
from functions.core.errors import AccessDenied

NO_SERVER = (
    "no way to send mail is set up: set CLAUDE_MONITOR_SMTP_URL or "
    "CLAUDE_MONITOR_SENDGRID_API_KEY, and CLAUDE_MONITOR_MAIL_FROM, then start the service anew"
)


class Email(ChannelKind, frozen=True):
    """A mail to one address, from the mail server of whoever runs this service."""

    keywords: ClassVar[tuple[str, ...]] = ("mail", "email", "inbox")

    address: MailAddress

    def sender(self, lent: Lent) -> "Mailer":
        return Mailer(self.address, lent)


class Mailer:
    """Implements ports.Channel for one address."""

    def __init__(self, address: str, lent: Lent) -> None:
        self._address = address
        self._from = lent.mail_from
        self._deadline = lent.deadline
        if not lent.smtp_url or "@" not in parseaddr(lent.mail_from)[1]:
            raise AccessDenied(NO_SERVER)
        self._server = smtp.MailServer.of(lent.smtp_url)

    async def send(self, message: Message) -> str:
        """See ports.Channel."""
        return await smtp.send(
            self._server,
            self._mail(message),
            sender=parseaddr(self._from)[1],
            recipient=self._address,
            deadline=self._deadline,
        )

    def _mail(self, message: Message) -> bytes:
        mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        mail["From"] = self._from
        mail["To"] = self._address
        mail["Subject"] = " ".join(message.subject.split())
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at, UTC))
        mail["Message-ID"] = f"<{message.id}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation reply, please
        mail.set_content(message.text)
        return bytes(mail)


CHANNEL = Email
