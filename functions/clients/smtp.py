"""One message over SMTP: on a thread, within a deadline, with verified TLS, its answer in our
words."""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from functions.clients.connection import connected
from functions.core.errors import (
    AccessDenied,
    Fault,
    InvalidConfiguration,
    MonitorError,
    SourceUnavailable,
    UnexpectedAnswer,
)

GOODBYE = 1.0
"""Seconds to wait for the answer to QUIT, which changes nothing."""

# Its own threads: a mail server that hangs must not hold up what else runs on threads.
_THREADS = ThreadPoolExecutor(32, thread_name_prefix="smtp")


class MailServer(msgspec.Struct, frozen=True):
    """A mail server as its URL names it; `tls` from the first byte on, otherwise STARTTLS when the
    server offers it."""

    host: str
    port: int
    user: str
    password: str
    tls: bool

    @staticmethod
    def of(url: str) -> "MailServer":
        """Raises InvalidConfiguration for what is not the URL of a mail server."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or parts.scheme not in ("smtp", "smtps"):
            problem = "must be smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ if needed"
            raise InvalidConfiguration(Fault("smtp_url", problem))
        tls = parts.scheme == "smtps"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return MailServer(host, port or (465 if tls else 25), user, password, tls)


async def send(
    server: MailServer, mail: bytes, *, sender: str, recipient: str, deadline: float
) -> str:
    """Returns once the server has accepted the mail. Nothing is sent after this has raised.

    Raises SourceUnavailable when trying again may help, AccessDenied when the server does not let
    us in, UnexpectedAnswer when it will never take this mail."""
    talk = _Talk(server, sender, timeout=deadline)
    return await _cut_after(deadline, talk, work=partial(talk.deliver, recipient, mail))


async def greet(server: MailServer, *, sender: str, deadline: float) -> str:
    """Connect, encrypt, log in and leave: whether mail could be sent. Errors as in `send`."""
    talk = _Talk(server, sender, timeout=deadline)
    return await _cut_after(deadline, talk, work=talk.greet)


async def _cut_after(deadline: float, talk: "_Talk", *, work: Callable[[], str]) -> str:
    running = asyncio.get_running_loop().run_in_executor(_THREADS, work)
    while not (await asyncio.wait({running}, timeout=deadline))[0]:
        talk.cut()
    return running.result()


class _Prompt(smtplib.SMTP):
    """smtplib would give the first address of the server all the time there is."""

    def _get_socket(self, *to: Any) -> socket.socket:
        host, port, seconds = to
        return connected(host, port, seconds=seconds)


class _PromptTls(smtplib.SMTP_SSL, _Prompt):
    """Its TLS is laid over what `_Prompt` connects."""


class _Talk:
    """One conversation, on a thread; `cut` ends it from another one."""

    def __init__(self, server: MailServer, sender: str, *, timeout: float) -> None:
        self._server = server
        self._sender = sender
        self._is_cut = False
        # A name of our own for EHLO: smtplib would ask the DNS for one, which may take long.
        name = sender.rpartition("@")[2]
        self._smtp = (
            _PromptTls(local_hostname=name, timeout=timeout, context=_tls())
            if server.tls
            else _Prompt(local_hostname=name, timeout=timeout)
        )
        # The name that TLS verifies. smtplib knows it only when it connects in its constructor,
        # and then there would be nothing to cut.
        setattr(self._smtp, "_host", server.host)  # noqa: B010 - smtplib's stub hides the name

    def cut(self) -> None:
        self._is_cut = True
        connection = self._smtp.sock  # once: the other thread may close it meanwhile
        if connection is not None:
            with suppress(OSError):
                # Of the plain socket: an SSLSocket would forget its TLS while it is being read.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def deliver(self, recipient: str, mail: bytes) -> str:
        with self._conversation():
            if self._is_cut:
                raise TimeoutError
            self._smtp.sendmail(self._sender, [recipient], mail)
        return "250: the mail server accepted it"

    def greet(self) -> str:
        with self._conversation():
            return "the mail server lets us in"

    @contextmanager
    def _conversation(self) -> Iterator[None]:
        try:
            self._open()
            yield
            self._leave()
        except (smtplib.SMTPException, OSError) as error:
            raise _meaning(error) from error
        finally:
            self._smtp.close()

    def _open(self) -> None:
        code, words = self._smtp.connect(self._server.host, self._server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self._smtp.ehlo_or_helo_if_needed()
        if not self._server.tls and self._smtp.has_extn("starttls"):
            self._smtp.starttls(context=_tls())
        if self._server.user:
            self._log_in()

    def _log_in(self) -> None:
        if not isinstance(self._smtp.sock, ssl.SSLSocket):
            raise AccessDenied(
                "the mail server offers no encryption, so our password was not sent; use smtps://"
            )
        try:
            self._smtp.login(self._server.user, self._server.password)
        except smtplib.SMTPException as error:
            if type(error) not in _NO_LOGIN:
                raise
            raise AccessDenied(_ASKS_NOBODY, cause=str(error)) from error

    def _leave(self) -> None:
        """Say goodbye. The mail is accepted, whatever comes back."""
        with suppress(smtplib.SMTPException, OSError):
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(GOODBYE)
            self._smtp.quit()


def _tls() -> ssl.SSLContext:
    return _tls_with(ssl.get_default_verify_paths())


@lru_cache(maxsize=2)
def _tls_with(_trusted: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Reading all certificates takes 15 ms, so once for the places where they are."""
    return ssl.create_default_context()


_REFUSALS: tuple[tuple[type[Exception], type[MonitorError], str], ...] = (
    (smtplib.SMTPRecipientsRefused, UnexpectedAnswer, "does not take mail for this address"),
    (smtplib.SMTPDataError, UnexpectedAnswer, "does not take this message"),
    (smtplib.SMTPSenderRefused, AccessDenied, "does not take mail from our address"),
    (smtplib.SMTPAuthenticationError, AccessDenied, "does not accept our user and password"),
)


_NO_LOGIN = (smtplib.SMTPException, smtplib.SMTPNotSupportedError)
"""What `login` raises itself; all that the server or the network does is of a kind below these."""
_ASKS_NOBODY = (
    "the mail server lets nobody log in in a way we know; use another port, or take user and "
    "password out of CLAUDE_MONITOR_SMTP_URL"
)


def _meaning(error: smtplib.SMTPException | OSError) -> MonitorError:
    """The error in our own words, with the server's code; its text stays in the log."""
    code = _code(error)
    if 500 <= code < 600:
        for refusal, kind, words in _REFUSALS:
            if isinstance(error, refusal):
                return kind(f"{code}: the mail server {words}", cause=str(error))
    if code > 0:
        message = f"{code}: the mail server cannot take mail now"
    elif isinstance(error, ssl.SSLCertVerificationError):
        message = "the certificate of the mail server cannot be verified"
    elif isinstance(error, TimeoutError):
        message = "the mail server did not answer in time"
    elif isinstance(error, smtplib.SMTPServerDisconnected):
        message = "the mail server ended the conversation or fell silent"
    else:
        message = "the mail server could not be reached"
    return SourceUnavailable(message, cause=f"{type(error).__name__}: {error}")


def _code(error: Exception) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0
