"""The command line: `claude-monitor VERB`. Verbs are imported only when asked for."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns the exit code: 0 done, 1 failed, 2 wrong usage or settings."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["mcp"]:
        # Before argparse and everything else: the client waits for the first answer.
        from mcp_service.bridge.stdio import main as bridge  # noqa: PLC0415 - nothing else loads

        if sys.stdin.isatty():
            sys.stderr.write("This speaks MCP to a client such as Claude Code; Ctrl-C ends it.\n")

        return bridge()
    import signal  # noqa: PLC0415 - not for the bridge

    # As the first process of a container it would be deaf to this while all else loads.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    from mcp_service.cli.verbs import run  # noqa: PLC0415 - not for the bridge

    return run(given)


if __name__ == "__main__":
    sys.exit(main())
