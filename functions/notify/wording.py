"""The words of a message: ours, the numbers, and the user's own names. Never a target's text."""

import hashlib
import unicodedata
from datetime import UTC, datetime

from functions.core.alert import Alert
from functions.core.alert_ports import Delivery, Message
from functions.core.errors import InvalidConfiguration
from functions.core.monitor import span_text
from functions.core.rule import Comparison
from functions.core.rule_text import parse
from functions.core.rule_words import number_text, time_text

LONGEST_NAME = 80
LONGEST_CAUSE = 200
LONGEST_LINE = 500


def message_of(delivery: Delivery) -> Message:
    """The message of a delivery: the same, to the byte, each time it is sent."""
    alert, name = delivery.alert, clean(delivery.monitor_name, LONGEST_NAME) or "Your monitor"
    headline = f"{name}: {_headline(alert)}"
    lines = (
        f"{headline}.",
        "",
        *_details(alert),
        f"Rule: {clean(alert.rule_text, LONGEST_LINE)}",
        "",
        'To know more, ask Claude: "Why did I get this?"',
        f"Alert: {clean(alert.id, LONGEST_LINE)}",
    )
    return Message(
        id=message_id(delivery),
        subject=f"[{_label(alert)}] {headline}",
        text="\n".join(lines) + "\n",
        at=delivery.owed_at,
    )


def message_id(delivery: Delivery) -> str:
    """For the header Message-ID, without its brackets; one for each tenant and delivery."""
    whole = f"{delivery.tenant}\n{delivery.id}".encode()
    return f"{hashlib.sha256(whole).hexdigest()[:32]}@claude-monitor"


def clean(text: str, longest: int) -> str:
    """One line of visible text: no control, bidi or other format characters, and capped."""
    spaced = ("" if _is_hidden(letter) else letter for letter in " ".join(text.split()))
    line = " ".join("".join(spaced).split())
    return line if len(line) <= longest else line[: longest - 3].rstrip() + "..."


def _is_hidden(letter: str) -> bool:
    return letter != " " and unicodedata.category(letter)[0] in "CZ"


def _label(alert: Alert) -> str:
    if alert.state == "blind":
        return "cannot see"
    if alert.state == "resolved":
        return "closed unseen" if alert.blind else "resolved"
    return alert.severity


def _headline(alert: Alert) -> str:
    if alert.blind:
        return f"it cannot be seen ({clean(alert.blind, LONGEST_CAUSE)})"
    if alert.value is None:
        return "the alert is over" if alert.state == "resolved" else "its rule fired"
    return _measured(alert, alert.value)


def _measured(alert: Alert, value: float) -> str:
    """`latency p95 over 10m is 912, above 800`; without the threshold once it is over."""
    try:
        condition = parse(alert.rule_text).condition
    except InvalidConfiguration:  # a rule of another version; the message has to go all the same
        return f"the value of its rule is {_short(value)}"
    window = condition.window
    over = f" {window.function} over {time_text(window.seconds)}" if window else ""
    measured = f"{condition.metric}{over} is {_short(value)}"
    if alert.state == "resolved" or condition.comparison is Comparison.IS:
        return measured
    return f"{measured}, {condition.comparison} {number_text(condition.threshold)}"


def _short(value: float) -> str:
    return number_text(round(value, 3) or value)


def _details(alert: Alert) -> tuple[str, ...]:
    began, ended = _utc(alert.started), _utc(alert.slot)
    if alert.state == "firing":
        return ("The rule fires. You get one more message when that is over.", f"Since: {began}")
    if alert.state == "blind":
        unknown = "As long as that lasts, nobody knows whether the rule would fire."
        return (unknown, f"Since: {ended}")
    lasted = f"From {began} to {ended}, {span_text(alert.slot - alert.started)} in all"
    if alert.blind:
        return ("The alert is closed, as its rule says; it was not seen to recover.", lasted)
    return ("The rule no longer fires.", lasted)


def _utc(slot: int) -> str:
    return datetime.fromtimestamp(slot, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
