"""A port that nobody listens on."""

import socket


def free_port() -> int:
    """Of the loopback interface; free when asked."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
