"""The envelope: complete, without empty parts, and never too long."""

from mcp_service.results import LIMIT, Next, Page, Result, compact, envelope


def test_empty_parts_are_left_out_and_what_is_false_or_zero_is_not() -> None:
    made = envelope(Result("Done.", {"ok": False, "count": 0, "names": [], "inner": {"a": None}}))
    assert made == {"summary": "Done.", "data": {"ok": False, "count": 0}}


def test_the_summary_comes_first() -> None:
    made = envelope(Result("Done.", {"a": 1}, (Next("x", "y"),), Page(1), "Note."))
    assert list(made) == ["summary", "data", "next", "page", "notice"]


def test_a_long_answer_is_cut_at_a_record_and_says_so() -> None:
    records = [{"number": number, "text": "x" * 100} for number in range(2000)]
    made = envelope(Result("Many.", {"records": records, "few": [1, 2]}))
    kept = made["data"]["records"]
    assert len(compact(made)) <= LIMIT
    assert kept == records[: len(kept)]
    assert made["page"] == {"shown": len(kept), "left_out": 2000 - len(kept)}
    assert made["data"]["few"] == [1, 2]
    assert len(compact(made)) > LIMIT * 0.8
