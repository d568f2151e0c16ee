"""Signed specs are believed only unaltered; a seal opens only for its role, tenant and hosts."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import AccessDenied, InvalidConfiguration
from functions.core.keyring import parse_keys
from functions.core.monitor import MonitorSpec
from functions.core.seal import (
    Opener,
    SpecVerifier,
    new_sealing_key,
    new_signing_key,
    public_of,
    seal,
    sealing_public_of,
    sign_spec,
)

SIGNING = new_signing_key()
SEALING = new_sealing_key()
SPEC = MonitorSpec(
    id="shop",
    tenant="t",
    version=1,
    provider="website",
    config={"url": "https://shop.example/"},
    interval=60,
    phase=7,
)
DOCUMENT = sign_spec(SPEC, SIGNING)


def sealed(**changes: Any) -> str:
    inside: dict[str, Any] = {
        "role": "poll",
        "tenant": "t",
        "name": "api",
        "hosts": ["shop.example"],
        "public_key": sealing_public_of(SEALING),
    }
    return seal("s3cret", **inside | changes)


def verifier() -> SpecVerifier:
    return SpecVerifier(public_of(SIGNING))


def test_a_signed_spec_comes_back_and_is_verified_once() -> None:
    one = verifier()
    assert one.open(DOCUMENT) == SPEC
    assert one.open(DOCUMENT) is one.open(DOCUMENT)


def test_of_verified_specs_as_many_bytes_are_kept_as_there_is_room_for() -> None:
    large = msgspec.structs.replace(SPEC, config=SPEC.config | {"body": "b" * 2000})
    few = [sign_spec(msgspec.structs.replace(SPEC, id=name), SIGNING) for name in "abcd"]
    one = SpecVerifier(public_of(SIGNING), room=3 * len(few[0]))
    first = [one.open(document) for document in few]
    assert [one.open(few[place]) is first[place] for place in (3, 2, 1, 0)] == [True] * 3 + [False]
    assert one.open(sign_spec(large, SIGNING)) == large
    assert one.open(few[3]) is not first[3]


def test_the_document_is_the_text_its_signature_and_the_key_id() -> None:
    document = json.loads(DOCUMENT)
    assert sorted(document) == ["key", "sig", "spec"]
    assert document["key"] == next(iter(parse_keys(SIGNING)))
    assert json.loads(document["spec"])["id"] == "shop"


@given(st.integers(0, len(DOCUMENT) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    altered = bytearray(DOCUMENT)
    altered[place] ^= change
    with pytest.raises((AccessDenied, InvalidConfiguration)):
        verifier().open(bytes(altered))


def test_a_signature_is_written_in_one_way() -> None:
    """Of the last letter of its base64 only two bits count."""
    signed = json.loads(DOCUMENT)
    for letter in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):
        altered = signed | {"sig": signed["sig"][:-3] + letter + "=="}
        if altered != signed:
            with pytest.raises(AccessDenied):
                verifier().open(json.dumps(altered).encode())


@given(st.integers(0, len(DOCUMENT) - 1))
def test_a_truncated_document_is_refused(end: int) -> None:
    with pytest.raises(InvalidConfiguration):
        verifier().open(DOCUMENT[:end])


def test_an_unsigned_document_and_a_stranger_are_refused() -> None:
    text = msgspec.json.encode(SPEC).decode()
    for document in (
        json.dumps({"spec": text}).encode(),
        sign_spec(SPEC, new_signing_key()),
        json.dumps({"spec": text, "sig": "?", "key": next(iter(parse_keys(SIGNING)))}).encode(),
    ):
        with pytest.raises(AccessDenied):
            verifier().open(document)


def test_a_document_of_more_than_64_kib_is_neither_made_nor_read() -> None:
    big = msgspec.structs.replace(SPEC, config={"body": "x" * 65_536})
    with pytest.raises(InvalidConfiguration, match="longer than 64 KiB"):
        sign_spec(big, SIGNING)
    with pytest.raises(InvalidConfiguration, match="longer than 64 KiB"):
        verifier().open(DOCUMENT + b" " * 65_536)


def test_a_signed_spec_that_cannot_be_is_refused_with_all_its_faults() -> None:
    wrong = msgspec.structs.replace(SPEC, version=0, interval=45, phase=50)
    with pytest.raises(InvalidConfiguration) as caught:
        verifier().open(sign_spec(wrong, SIGNING))
    assert [fault.field for fault in caught.value.faults] == ["version", "interval", "phase"]


def test_two_signing_keys_are_valid_while_one_is_replaced() -> None:
    new = new_signing_key()
    both = SpecVerifier(public_of(f"{new}\n{SIGNING}"))
    assert both.open(DOCUMENT) == SPEC
    assert both.open(sign_spec(SPEC, f"{new}\n{SIGNING}")) == SPEC
    with pytest.raises(AccessDenied):
        SpecVerifier(public_of(new)).open(DOCUMENT)


def test_a_secret_opens_for_its_role_tenant_and_host_in_any_case() -> None:
    opener = Opener("poll", SEALING)
    assert opener.open("t", "authorization", host="SHOP.example", sealed=sealed()) == "s3cret"


@pytest.mark.parametrize(
    ("tenant", "host", "changes"),
    [
        ("other", "shop.example", {}),
        ("t", "evil.example", {}),
        ("t", "sub.shop.example", {}),
        ("t", "shop.example", {"hosts": []}),
        ("t", "shop.example", {"role": "notify"}),
        ("t", "shop.example", {"tenant": "other"}),
        ("t", "shop.example", {"public_key": sealing_public_of(new_sealing_key())}),
    ],
)
def test_a_swapped_secret_is_refused(tenant: str, host: str, changes: dict[str, Any]) -> None:
    with pytest.raises(AccessDenied) as caught:
        Opener("poll", SEALING).open(tenant, "authorization", host=host, sealed=sealed(**changes))
    assert "s3cret" not in f"{caught.value!r} {caught.value.cause}"
    assert "claude-monitor secret set" in caught.value.message


@given(st.data())
def test_a_broken_seal_is_refused(data: st.DataObject) -> None:
    whole = sealed()
    broken = data.draw(
        st.text(max_size=40)
        | st.integers(0, len(whole) - 1).map(lambda end: whole[:end])
        | st.integers(9, len(whole) - 5).map(
            lambda n: whole[:n] + ("A" if whole[n] != "A" else "B") + whole[n + 1 :]
        )
    )
    with pytest.raises(AccessDenied):
        Opener("poll", SEALING).open("t", "authorization", host="shop.example", sealed=broken)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert sealed() != sealed()


def test_secrets_of_an_old_key_open_while_it_is_replaced() -> None:
    new = new_sealing_key()
    opener = Opener("poll", f"{new}\n{SEALING}")
    fresh = sealed(public_key=sealing_public_of(f"{new}\n{SEALING}"))
    for value in (sealed(), fresh):
        assert opener.open("t", "authorization", host="shop.example", sealed=value) == "s3cret"
    assert (
        Opener("poll", new).open("t", "authorization", host="shop.example", sealed=fresh)
        == "s3cret"
    )


@pytest.mark.parametrize("text", ["", "\n", "abc", "aa bb", "01234567 !!!!", "01234567 AAAA"])
def test_a_broken_key_file_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        parse_keys(text)
    assert not text.strip() or text not in str(caught.value)
