"""Handles: only what was made, for whom it was made, while it is young."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.core.errors import InvalidConfiguration
from mcp_service import handles

PEPPER = b"p" * 32


def made(content: object = "m1", *, now: float = 1000.0) -> str:
    return handles.make(PEPPER, "cursor x", tenant="ann", content=content, now=now)


def read(
    handle: str, *, tenant: str = "ann", purpose: str = "cursor x", now: float = 1000
) -> object:
    return handles.read(PEPPER, purpose, tenant=tenant, handle=handle, now=now)


@given(st.recursive(st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5))
def test_what_was_put_in_comes_out(content: object) -> None:
    assert read(made(content)) == content


@pytest.mark.parametrize("changed", [{"tenant": "eve"}, {"purpose": "cursor y"}, {"now": 1601}])
def test_another_tenant_another_purpose_or_another_hour_is_refused(
    changed: dict[str, object],
) -> None:
    assert read(made()) == "m1"
    with pytest.raises(InvalidConfiguration) as refused:
        read(made(), **changed)  # type: ignore[arg-type] # one of the keyword arguments each
    assert refused.value.faults[0].field == "cursor"


@given(st.text(max_size=80))
def test_no_text_passes_for_a_handle(text: str) -> None:
    with pytest.raises(InvalidConfiguration):
        read(text)


@given(st.integers(0, 200), st.sampled_from("ABCXYZabcxyz019-_"))
def test_no_letter_of_a_handle_can_be_changed(place: int, letter: str) -> None:
    handle = made()
    # The last letters of the two parts carry fewer bits than a letter can say.
    places = [n for n in range(len(handle) - 1) if handle[n] != "." and handle[n + 1] != "."]
    place = places[place % len(places)]
    assume(handle[place] != letter)
    with pytest.raises(InvalidConfiguration):
        read(handle[:place] + letter + handle[place + 1 :])
