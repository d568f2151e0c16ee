"""Whoever opens a connection does so behind a named door: the outbound one for addresses that users
name, and a few of our own services, each listed here with its reason."""

import ast
from pathlib import Path

from tests.architecture.tree import CODE, python, text

NETWORK = {
    *("socket", "ssl", "http.client", "urllib.request", "ftplib", "smtplib", "imaplib", "poplib"),
    *("telnetlib", "xmlrpc.client", "socketserver", "pycurl", "pycares", "requests"),
    *("httpx", "httpx2", "aiohttp", "urllib3", "websockets", "picows", "asyncssh", "paramiko"),
    *("sendgrid", "twilio"),
}
OPENERS = {"open_connection", "create_connection", "sock_connect", "getaddrinfo", "urlopen"}

DOORS = {
    "functions/channels/sendgrid.py": "sendgrid and its errors: the operator's account there",
    "functions/core/addresses.py": "socket: binds to learn this machine's own addresses",
    "functions/clients/connection.py": "socket: connects to the operator's mail server or SendGrid",
    "functions/clients/http.py": "pycurl and its sockets: the outbound door itself",
    "functions/clients/authorities.py": "ssl: where the trusted authorities are",
    "functions/clients/resolver.py": "pycares: the door's resolver",
    "functions/stores/influxdb.py": "urllib3: the errors of the readings database's client",
    "functions/clients/prompt_client.py": "http.client, urllib.request: the account at SendGrid",
    "functions/clients/route.py": "socket: asks the kernel for a route, and sends nothing",
    "functions/clients/smtp.py": "smtplib: the operator's mail server",
    "mcp_service/background.py": "http.client: whether our own service answers on loopback",
    "mcp_service/bridge/call.py": "http.client: the errors of our own service",
    "mcp_service/bridge/forward.py": "http.client: our own service",
    "mcp_service/http.py": "socket: listens",
    "mcp_service/runtime/knative.py": "httpx2: the errors of the cluster's client",
}
"""File to reason. What reaches our own broker, mail server, service or cluster may be added; what
reaches addresses that users name may not: it goes through functions/clients/http.py."""


def imported(tree: ast.Module) -> set[str]:
    plain = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    named = [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    ]
    return {*plain, *named}


def opened(tree: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & OPENERS


def reaches(path: Path) -> set[str]:
    """The network modules and calls that a file uses."""
    tree = ast.parse(text(path))
    modules = {name for name in imported(tree) if {name, name.partition(".")[0]} & NETWORK}
    return modules | opened(tree)


def test_only_the_doors_reach_the_network() -> None:
    strange = {str(path): reaches(path) for path in python(*CODE) if reaches(path)}
    assert set(strange) - set(DOORS) == set(), strange


def test_every_door_is_still_one() -> None:
    assert all(reaches(Path(door)) for door in DOORS)


def test_providers_never_reach_the_network_themselves() -> None:
    assert not [path for path in python("functions") if "providers" in path.parts and reaches(path)]
