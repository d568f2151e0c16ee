"""A conversation with a mail server that is cut from another thread."""

import socket

from functions.clients.smtp import MailServer, _Talk


class Closing:
    """An SMTP whose own thread closes the connection just after it was looked at."""

    def __init__(self, connection: socket.socket) -> None:
        self._looks = iter([connection])

    @property
    def sock(self) -> socket.socket | None:
        return next(self._looks, None)


def test_a_conversation_may_end_by_itself_while_it_is_cut() -> None:
    talk = _Talk(MailServer.of("smtp://127.0.0.1:1"), "monitor@example.org", timeout=1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        talk._smtp = Closing(ours)
        talk.cut()
        assert theirs.recv(1) == b""
