"""The servers that other tests lean on behave as they say."""

import smtplib
import urllib.error
import urllib.request

import pytest

from tests.servers.mail import Mailbox
from tests.servers.website import Website


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_website_answers_fails_hangs_dies_and_returns(website: Website) -> None:
    assert status(website.url) == 200
    website.behave("500")
    assert status(website.url) == 500
    website.behave("hang")
    with pytest.raises(TimeoutError):
        status(website.url)
    website.kill()
    with pytest.raises(urllib.error.URLError, match="refused"):
        status(website.url)
    website.behave("ok")
    website.start()
    assert status(website.url) == 200


def test_a_mailbox_keeps_what_it_accepts_and_nothing_else(mailbox: Mailbox) -> None:
    def send(subject: str) -> None:
        with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=5) as client:
            client.sendmail("a@example.org", ["b@example.org"], f"Subject: {subject}\r\n\r\nhello")

    mailbox.reply = "451 later"
    with pytest.raises(smtplib.SMTPDataError):
        send("too early")
    mailbox.reply = "250 OK"
    send("kept")
    mailbox.stop()
    with pytest.raises(ConnectionRefusedError):
        send("nobody there")
    mailbox.start()
    assert [mail["Subject"] for mail in mailbox.wait_for(1)] == ["kept"]
