"""What a function writes to its log: one JSON object a line, a repeated refusal once a minute."""

import logging
import sys
import time

import msgspec

from functions.core.errors import MonitorError
from functions.core.monitor import utc_text

QUIET_SECONDS = 60.0
_MOST_REMEMBERED, _LONGEST_SOURCE = 1000, 200
_last_said: dict[str, float] = {}


class JsonLines(logging.Formatter):
    """Text from outside cannot break out of its line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": utc_text(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_json_lines() -> None:
    """Everything from WARNING on, and our own from INFO on, to standard error."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[lines])
    logging.getLogger("claude_monitor").setLevel(logging.INFO)


def log_refusal(log: logging.Logger, error: MonitorError, *, whose: str) -> None:
    """Say what was refused, of whom (an event's source, from outside), and why; the same refusal
    again is silent for a minute, so that a flood of events does not become a flood of lines."""
    whose = whose[:_LONGEST_SOURCE] or "what is no event"
    key = f"{whose} {error.message}"
    now = time.monotonic()
    if now - _last_said.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
        return
    if len(_last_said) >= _MOST_REMEMBERED:
        _last_said.clear()
    _last_said[key] = now
    log.warning("refused %s: %s %s", whose, error.message, error.cause)
