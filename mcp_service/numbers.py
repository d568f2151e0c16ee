"""Numbers as a person reads them."""

from typing import overload


@overload
def short(value: float) -> float: ...
@overload
def short(value: None) -> None: ...


def short(value: float | None) -> float | None:
    """Three decimals are enough for a person, unless nothing would be left; whole numbers lose
    their `.0`."""
    if value is None:
        return None
    rounded = round(float(value), 3) or value
    return int(rounded) if float(rounded).is_integer() and abs(rounded) < 2**53 else rounded


def counted(number: int, noun: str) -> str:
    """`1 reading`, `2 readings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
