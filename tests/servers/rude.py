"""A mail server in a process of its own that misbehaves as told, speaks TLS, wants a password.

The parent writes what it shall answer to its standard input, one JSON object a line; it writes what
it saw to its standard output."""

import asyncio
import base64
import email
import email.policy
import json
import ssl
import subprocess
import sys
import threading
import time
from email.message import EmailMessage
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG = 3600
USER, PASSWORD = "monitor", "p@ss:word/"
_telling = threading.Lock()
ANSWERS = {"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "250 OK", "QUIT": "221 Bye"}


class RudeMailbox:
    """`answers` is what it replies to MAIL, RCPT, DATA and QUIT instead of consenting: a line of
    SMTP, `drop` to close the connection without a word, `hang`, or `slow` for 0.3 s. A message is
    kept before DATA is answered. `pem` is for STARTTLS, or with `smtps` for TLS at once."""

    def __init__(
        self,
        answers: dict[str, str] | None = None,
        *,
        pem: object = "",
        smtps: bool = False,
        password: bool = False,
    ) -> None:
        options = {"pem": str(pem), "smtps": smtps, "password": password}
        command = [sys.executable, "-m", "tests.servers.rude", json.dumps(options)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._heard: list[dict[str, Any]] = []
        self._orders: dict[str, str] = {}
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.behave(answers or {})
        self.port = int(self.wait_for("port")[0])

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"smtp://{self.address}"

    def behave(self, answers: dict[str, str]) -> None:
        """From the next command on. Returns when the server has taken it in."""
        self._orders = answers
        before = len(self._told("obeyed"))
        print(json.dumps(answers), file=self._process.stdin, flush=True)
        self.wait_for("obeyed", before + 1)

    def forget(self) -> None:
        """What was seen so far."""
        self._heard.clear()

    def seen(self, what: str) -> list[Any]:
        """Everything of this kind up to its last answer, such as `tls` for each conversation."""
        self.behave(self._orders)  # what it told before it obeyed has been heard
        return self._told(what)

    def messages(self) -> list[EmailMessage]:
        """In the order of their arrival, up to the last one that was answered."""
        policy = email.policy.default
        kept = map(base64.b64decode, self.seen("kept"))
        return [
            cast(
                EmailMessage, email.message_from_bytes(mail.replace(b"\r\n", b"\n"), policy=policy)
            )
            for mail in kept
        ]

    def wait_for(self, what: str, count: int = 1, *, timeout: float = 10.0) -> list[Any]:
        """What was seen of this kind, as soon as it is that much."""
        until = time.monotonic() + timeout
        while len(told := self._told(what)) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(told)} of {count} {what} after {timeout} s")
            time.sleep(0.01)
        return told

    def _told(self, what: str) -> list[Any]:
        return [line[what] for line in list(self._heard) if what in line]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._heard.append(json.loads(line))


def tell(**seen: object) -> None:
    with _telling:
        sys.stdout.write(json.dumps(seen) + "\n")
        sys.stdout.flush()


class Rudeness:
    """The hooks that aiosmtpd calls by these names."""

    def __init__(self) -> None:
        self.answers = ANSWERS

    async def handle_MAIL(  # noqa: N802 - see above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        tell(tls=session.ssl is not None)
        return await self._reply("MAIL", server)

    async def handle_RCPT(  # noqa: N802 - see above
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._reply("RCPT", server)

    async def handle_DATA(  # noqa: N802 - see above
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        tell(kept=base64.b64encode(cast(bytes, envelope.content)).decode())
        return await self._reply("DATA", server)

    async def handle_QUIT(  # noqa: N802 - see above
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return await self._reply("QUIT", server)

    async def _reply(self, stage: str, server: SMTP) -> str:
        answer = self.answers[stage]
        if answer == "hang":
            tell(hangs=stage)
            await asyncio.sleep(HANG)
        if answer == "drop" and server.transport is not None:
            server.transport.abort()
        if answer == "slow":
            await asyncio.sleep(0.3)
            return ANSWERS[stage]
        return answer

    def obey(self) -> None:
        """Take each line of standing orders."""
        for line in sys.stdin:
            self.answers = ANSWERS | json.loads(line)
            tell(obeyed=line)


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
) -> AuthResult:
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=given == known, handled=False)


async def serve(options: dict[str, Any]) -> None:
    rudeness = Rudeness()
    threading.Thread(target=rudeness.obey, daemon=True).start()
    context = None
    if options["pem"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["pem"])

    def conversation() -> SMTP:
        return SMTP(
            rudeness,
            tls_context=None if options["smtps"] else context,
            authenticator=authenticate if options["password"] else None,
            auth_required=options["password"],
            auth_require_tls=False,
            auth_exclude_mechanism=() if options["password"] else ("LOGIN", "PLAIN"),
        )

    tls_at_once = context if options["smtps"] else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=tls_at_once)
    tell(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
