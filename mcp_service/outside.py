"""Text that came from outside: cleaned, capped, and kept apart from our own sentences."""

import re
import unicodedata
from collections.abc import Mapping

from functions.core.monitor import utc_text
from functions.core.reading import Reading
from mcp_service.numbers import short

CAP = 500
"""Characters of one outside text that are shown."""

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Control, format (bidi, zero width, tags), surrogate, private and unassigned characters."""


def cleaned(text: str) -> str:
    """One visible line: no terminal escapes, invisible or direction-changing characters."""
    line = re.sub(r"\s+", " ", _TERMINAL.sub("", text))
    shown = "".join(c for c in line if unicodedata.category(c) not in _INVISIBLE | _selectors(c))
    rest = len(shown) - CAP
    return shown.strip() if rest <= 0 else f"{shown[:CAP].strip()}… ({rest} more characters)"


def from_outside(texts: Mapping[str, str]) -> dict[str, str]:
    return {cleaned(name)[:60]: cleaned(text) for name, text in texts.items()}


def shown(reading: Reading) -> dict[str, object]:
    """A reading as an answer shows it; its texts stand in the field named `from_outside`."""
    failure = reading.failure
    return {
        "id": reading.id,
        "at": utc_text(reading.slot),
        "metrics": {name: short(value) for name, value in reading.metrics.items()},
        "failed": f"{failure.kind.value}: {cleaned(failure.cause)}" if failure else None,
        "late": reading.late or None,
        "from_outside": from_outside(reading.texts),
    }


def _selectors(character: str) -> set[str]:
    """Variation selectors can carry hidden bytes, though their category (Mn) is not invisible."""
    return {"Mn"} if "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100" else set()
