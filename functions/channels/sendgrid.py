"""Mail over SendGrid's v3 API. It has no idempotency key: a mail that was accepted while its answer
got lost is sent once more. Both then carry one Message-ID and one `delivery` among custom_args."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from functools import partial
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.error import URLError
from urllib.parse import urlsplit

import msgspec

from functions.core.alert_ports import Message
from functions.core.channel import ChannelKind, Lent, MailAddress
from functions.core.errors import AccessDenied, MonitorError, SourceUnavailable, UnexpectedAnswer

ADDRESS = "https://api.sendgrid.com"
NO_KEY = "SendGrid is not set up: set CLAUDE_MONITOR_SENDGRID_API_KEY and CLAUDE_MONITOR_MAIL_FROM"
IN_THE_OPEN = "our key would be readable on the way: set CLAUDE_MONITOR_SENDGRID_URL to https://..."
UNANSWERED = "SendGrid did not answer; it may have taken the mail, and then it comes twice"
LONGEST_WAIT = 3600.0
"""Seconds; a reset further away is not believed, for it would give up the mail."""
AT_ONCE = 32

# Its own threads, as SMTP has: SendGrid that hangs must not hold up what else runs on threads.
_THREADS = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sendgrid")
# At DEBUG this library writes our key.
logging.getLogger("python_http_client").setLevel(logging.INFO)


class SendGrid(ChannelKind, frozen=True):
    """A mail to one address, from the SendGrid account of whoever runs this service."""

    keywords: ClassVar[tuple[str, ...]] = ("mail", "email", "sendgrid")

    address: MailAddress

    def sender(self, lent: Lent) -> "Mailer":
        return Mailer(self.address, lent)


class Mailer:
    """Implements ports.Channel for one address."""

    def __init__(self, address: str, lent: Lent) -> None:
        self._address = address
        self._lent = _checked(lent)

    async def send(self, message: Message) -> str:
        """See ports.Channel. Only 202 is an acceptance: 200 is the answer of a sandbox."""
        body = self._body(message)
        answer = await _asked(self._lent, lambda api: api.send(body))
        if answer.status_code != 202:
            raise _refusal(answer.status_code, answer.headers, body=answer.body)
        return "202: SendGrid accepted it"

    def _body(self, message: Message) -> dict[str, Any]:
        """As https://www.twilio.com/docs/sendgrid/api-reference/mail-send wants it."""
        name, address = parseaddr(self._lent.mail_from)
        return {
            "personalizations": [{"to": [{"email": self._address}]}],
            "from": {"email": address} | ({"name": name} if name else {}),
            "subject": " ".join(message.subject.split()),
            "content": [{"type": "text/plain", "value": message.text}],
            "headers": {"Message-ID": f"<{message.id}>", "Auto-Submitted": "auto-generated"},
            "custom_args": {"delivery": message.id},
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        }


async def greet(lent: Lent) -> str:
    """Ask what our key may do: whether mail could be sent. Errors as in ports.Channel."""
    answer = await _asked(_checked(lent), lambda api: api.client.scopes.get())
    try:
        scopes = msgspec.json.decode(answer.body, type=_Scopes).scopes
    except msgspec.MsgspecError as error:
        raise _refusal(answer.status_code, answer.headers, body=answer.body) from error
    if "mail.send" not in scopes:
        raise AccessDenied("our SendGrid key may not send mail; give it the scope mail.send")
    return "SendGrid lets us send"


def _checked(lent: Lent) -> Lent:
    if not lent.sendgrid_api_key or "@" not in parseaddr(lent.mail_from)[1]:
        raise AccessDenied(NO_KEY)
    place = urlsplit(lent.sendgrid_url or ADDRESS)
    if place.scheme != "https" and place.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise AccessDenied(IN_THE_OPEN)
    return lent


async def _asked(lent: Lent, ask: Callable[[Any], Any]) -> Any:
    """The answer, within the deadline. A thread that is late ends by itself: it sends nothing over
    a connection that it gets after that."""
    loop = asyncio.get_running_loop()
    until = time.monotonic() + lent.deadline
    try:
        async with asyncio.timeout(lent.deadline):
            return await loop.run_in_executor(_THREADS, partial(_ask, lent, ask, until=until))
    except TimeoutError as error:
        raise SourceUnavailable(UNANSWERED, cause="deadline") from error


def _ask(lent: Lent, ask: Callable[[Any], Any], *, until: float) -> Any:
    from python_http_client.exceptions import HTTPError  # noqa: PLC0415 - see below
    from sendgrid import SendGridAPIClient  # noqa: PLC0415 - the first mail pays for it

    from functions.clients.prompt_client import PromptClient  # noqa: PLC0415 - as above

    address = (lent.sendgrid_url or ADDRESS).rstrip("/")
    api = SendGridAPIClient(lent.sendgrid_api_key, host=address)
    api.client = PromptClient(api.client, until=until)
    try:
        return ask(api)
    except HTTPError as error:
        raise _refusal(error.status_code, error.headers, body=error.body) from error
    except (OSError, HTTPException) as error:
        raise SourceUnavailable(_silence(error), cause=type(error).__name__) from error


def _silence(error: Exception) -> str:
    if not isinstance(error, URLError):  # the request was sent before this happened
        return UNANSWERED
    if isinstance(error.reason, ssl.SSLCertVerificationError):
        return "the certificate of SendGrid cannot be verified"
    return "SendGrid could not be reached"


_REFUSALS: dict[int, tuple[type[MonitorError], str]] = {
    400: (UnexpectedAnswer, "SendGrid does not take this message"),
    401: (AccessDenied, "SendGrid does not accept our key, or our plan has no mails left"),
    403: (AccessDenied, "SendGrid does not let us send from our address, or blocks us for now"),
    413: (UnexpectedAnswer, "SendGrid finds this message too large"),
}
_STRANGE = "this is not how SendGrid takes mail; check CLAUDE_MONITOR_SENDGRID_URL"


def _refusal(status: int, headers: Mapping[str, str], *, body: bytes) -> MonitorError:
    """The answer in our own words; of SendGrid's, only the names of the faulty fields are read."""
    if status in (408, 429) or status >= 500:
        words = f"{status}: SendGrid cannot take mail now"
        return SourceUnavailable(words, retry_after=_wait(headers))
    if status == 400 and _blames_sender(body):
        return AccessDenied("400: SendGrid does not take our address; set CLAUDE_MONITOR_MAIL_FROM")
    kind, words = _REFUSALS.get(status, (AccessDenied, _STRANGE))
    return kind(f"{status}: {words}")


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until X-RateLimit-Reset, which is in seconds since the epoch, or what Retry-After
    says."""
    for name, now in (("X-RateLimit-Reset", time.time()), ("Retry-After", 0.0)):
        text = headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,12}", text):
            return min(max(int(text) - now, 0.0), LONGEST_WAIT)
    return 0.0


def _blames_sender(body: bytes) -> bool:
    """Whether our own address is at fault, which the operator repairs, and not this message."""
    try:
        faults = msgspec.json.decode(body, type=_Faults).errors
    except msgspec.MsgspecError:
        return False
    return any((fault.field or "").partition(".")[0] == "from" for fault in faults)


class _Fault(msgspec.Struct):
    field: str | None = None


class _Faults(msgspec.Struct):
    errors: list[_Fault]


class _Scopes(msgspec.Struct):
    scopes: list[str]


CHANNEL = SendGrid
