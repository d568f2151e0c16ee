"""`make demo`: the whole conversation on real servers of this machine, step by step."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from mcp import Client

from tests.conversation.play import play, text
from tests.servers.mail import Mailbox
from tests.servers.service import StandingService
from tests.servers.website import Website


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def talk(service: StandingService, site: Website, mailbox: Mailbox) -> None:
    async with Client(service.url) as client:
        await play(client, site, mailbox, tell=tell)


def main() -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as home, Website() as site, Mailbox() as mailbox:
        with StandingService(Path(home), SMTP_URL=mailbox.url) as service:
            tell(f"The service is at {service.url}, the site at {site.url}, mail at {mailbox.url}.")
            asyncio.run(talk(service, site, mailbox))
        for mail in mailbox.messages()[1:]:
            tell(f"\n────── mail to {mail['To']}\nSubject: {mail['Subject']}\n\n{text(mail)}")
    tell(f"That took {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
