"""A struct as a form: questions in words, and every fault at once."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from functions.core.errors import Fault
from functions.core.form import form_faults, near, questions

LEVEL = {"words": "a level", "examples": ["1"]}


class Auth(msgspec.Struct):
    user: str
    attempts: Annotated[int, Meta(ge=1)] = 1


class Asked(msgspec.Struct):
    """Every kind of field that a form may have."""

    address: Annotated[str, Meta(title="Address", description="Where.", min_length=3)]
    ratio: Annotated[float, Meta(ge=0, le=1)] = 0.5
    count: Annotated[int, Meta(le=9)] = 1
    mode: Literal["fast", "safe"] = "safe"
    loud: bool = False
    codes: Annotated[tuple[Annotated[int, Meta(ge=100, le=599)], ...], Meta(max_length=3)] = (200,)
    labels: Annotated[dict[str, str], Meta(max_length=2)] = {}
    level: Annotated[str, Meta(pattern="^[1-3]$", extra_json_schema=LEVEL)] = "1"
    limit: int | None = None
    inner: Auth = msgspec.field(default_factory=lambda: Auth("anna"))


def problems(**config: Any) -> dict[str, str]:
    given = {"address": "abc"} | config
    return {fault.field: fault.problem for fault in form_faults(Asked, given)}


def test_good_fields_have_no_faults() -> None:
    assert problems(ratio=1, count=0, mode="fast", loud=True, codes=[404], limit=None) == {}
    assert problems(labels={"a": "b"}, inner={"user": "eve"}) == {}


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("address", "a", "must be text of at least 3 characters"),
        ("address", 1, "must be text of at least 3 characters"),
        ("ratio", 2, "must be a number from 0 to 1"),
        ("count", 10, "must be a whole number of at most 9"),
        ("count", "1", "must be a whole number of at most 9"),
        ("count", True, "must be a whole number of at most 9"),
        ("mode", "slow", "must be one of fast, safe"),
        ("loud", "yes", "must be true or false"),
        ("codes", 200, "must be a list of at most 3, each a whole number from 100 to 599"),
        ("labels", [], "must be a map of at most 2 of names to text"),
        ("labels", dict.fromkeys("abc", ""), "must be a map of at most 2 of names to text"),
        ("level", "9", "must be a level such as 1"),
        ("limit", "x", "must be a whole number or nothing"),
    ],
)
def test_a_fault_says_what_is_accepted(field: str, value: Any, problem: str) -> None:
    assert problems(**{field: value}) == {field: problem}


def test_a_fault_names_every_place_inside_a_list_a_map_or_a_struct() -> None:
    wrong = "must be a whole number from 100 to 599"
    assert problems(codes=[200, 99, 600]) == {"codes[1]": wrong, "codes[2]": wrong}
    assert problems(labels={"a": "", "b": 1}) == {"labels.b": "must be text"}
    assert problems(inner={"user": 1, "usr": 2}) == {
        "inner.usr": "is not a field; did you mean user?",
        "inner.user": "must be text",
    }


def test_all_faults_are_told_at_once() -> None:
    found = form_faults(Asked, {"adress": "x", "ratio": 9, "loud": 0})
    assert found[0] == Fault("adress", "is not a field; did you mean address?")
    assert {fault.field for fault in found} == {"adress", "address", "ratio", "loud"}
    assert "is required: text of at least 3 characters" in {fault.problem for fault in found}


def test_a_question_has_the_words_of_its_field() -> None:
    asked = {question.name: question for question in questions(Asked)}
    address = asked["address"]
    assert (address.title, address.description, address.required) == ("Address", "Where.", True)
    assert asked["mode"].choices == ("fast", "safe")
    assert asked["mode"].default == "safe"
    assert asked["inner"].default == {"user": "anna", "attempts": 1}
    assert list(asked) == list(Asked.__struct_fields__), "in the order of the fields"


def test_a_name_that_resembles_nothing_is_not_guessed_at() -> None:
    assert near("websiet", ("website", "tcp")) == "website"
    assert near("kafka", ("website", "tcp")) == ""
