"""All verbs: their arguments and the file that does the work."""

import argparse
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from functions.core.errors import InvalidConfiguration, MonitorError
from mcp_service.cli.output import complain

FAILED, WRONG = 1, 2


def run(arguments: Sequence[str]) -> int:
    """Parse, import the verb, run it. Errors are told in one place, with what to do next."""
    if not arguments:
        parser().print_help()
        return WRONG
    chosen = parser().parse_args(["version"] if list(arguments) == ["--version"] else arguments)
    os.umask(0o077)  # whatever we write is for its owner only
    verb: Callable[[argparse.Namespace], int] = import_module(
        f"mcp_service.cli.{chosen.module}"
    ).run
    try:
        return verb(chosen)
    except InvalidConfiguration as error:
        for fault in error.faults:
            complain(f"{fault.field}: {fault.problem}")
        if not error.faults:
            complain(error.message)
        return WRONG
    except MonitorError as error:
        complain(f"{error.message} ({error.cause})" if error.cause else error.message)
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # who read our lines, such as head, has enough; so does the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="claude-monitor",
        description="Tell Claude what to watch; this runs it day and night.",
        epilog="Each verb has a --help of its own. All settings: claude-monitor settings",
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, words: str, **more: Any) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=words, description=words, **more)
        added.set_defaults(module=name)
        return added

    serve = verb("serve", "run the service in the foreground")
    serve.add_argument(
        "--transport", choices=("http", "sse"), default="http", help="sse is for old clients only"
    )
    verb("mcp", "serve MCP on standard input and output; starts the service if need be")
    verb("stop", "end the service of this home")
    setup = verb("setup", "make the home folder, the keys, the settings file and the database")
    setup.add_argument(
        "--cluster",
        action="store_true",
        help="in a pod: make the keys as Secrets of its namespace, and the database",
    )
    verb("doctor", "try every part and say how to repair it", aliases=["test-connections"])
    verb("status", "whether the service runs, and what it runs")
    verb("settings", "every setting, its value and where it comes from")
    verb("version", "the version of this program")
    _secret(verb("secret", "keep values that monitors send, such as API tokens"))
    dead = verb("dead-letters", "what no function on the cluster could take; see it, repeat it")
    dead.set_defaults(module="dead_letters")
    letters = dead.add_subparsers(dest="action", metavar="ACTION", required=True)
    letters.add_parser("list", help="what was refused, by whom and when")
    letters.add_parser("replay", help="give all of them to the Broker again")
    return top


def _secret(secret: argparse.ArgumentParser) -> None:
    actions = secret.add_subparsers(dest="action", metavar="ACTION", required=True)
    put = actions.add_parser("set", help="seal a value; it is asked for, or read from a pipe")
    put.add_argument("name", help="what monitors call it: letters, digits, dots, hyphens, _")
    put.add_argument(
        "--host",
        action="append",
        required=True,
        help="a host it may be sent to, such as shop.example; may be repeated",
    )
    actions.add_parser("list", help="names and hosts; never a value")
    drop = actions.add_parser("delete", help="forget a value")
    drop.add_argument("name", help="as `secret list` shows it")
