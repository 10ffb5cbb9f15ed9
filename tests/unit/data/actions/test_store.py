"""What recording changes: guesses give way to statements, statements to later ones, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from qts.core import InstrumentId
from qts.data.actions import ActionRecord, RecordReport, plan_recording

Make = Callable[..., ActionRecord]
JUMP = "detected:overnight jump"


def ids(records: tuple[ActionRecord, ...]) -> list[str]:
    return [f"{record.action.kind} {record.state}" for record in records]


def test_the_same_again_changes_nothing_whoever_says_it(make_record: Make) -> None:
    held = make_record(source="file:one.csv")
    recording = plan_recording([held], [make_record(source="file:two.csv")])
    assert (recording.added, recording.ended, recording.report) == ((), (), RecordReport(unchanged=1))


def test_other_terms_replace_those_that_held(make_record: Make) -> None:
    recording = plan_recording([make_record(ratio="2")], [make_record(ratio="1.5")])
    assert [str(record.action.ratio) for record in recording.added] == ["1.5"]
    assert recording.ended == ("NSE:ACME/2024-01-11/bonus",)
    assert recording.report == RecordReport(changed=1)


def test_a_statement_ends_the_guess_at_the_same_day(make_record: Make) -> None:
    guess = make_record("split", state="suspected", source=JUMP)
    recording = plan_recording([guess], [make_record("bonus")])
    assert ids(recording.added) == ["bonus confirmed"]
    assert recording.ended == (guess.action.id,)
    assert recording.report == RecordReport(new=1, ended=1)


def test_a_statement_ends_a_guess_that_a_person_confirmed_for_else_it_would_count_twice(make_record: Make) -> None:
    guess = make_record("split", state="confirmed", source=JUMP)
    assert plan_recording([guess], [make_record("bonus")]).ended == (guess.action.id,)


def test_a_guess_confirmed_under_another_kind_ends_the_first(make_record: Make) -> None:
    guess = make_record("split", source=JUMP)
    assert plan_recording([guess], [make_record("bonus", source=JUMP)]).ended == (guess.action.id,)


def test_a_split_that_another_source_calls_a_bonus_is_one_action(make_record: Make) -> None:
    held = make_record("split", ratio="2", source="stated by hand")
    assert plan_recording([held], [make_record("bonus", ratio="2")]).ended == (held.action.id,)
    assert plan_recording([held], [make_record("bonus", ratio="3")]).ended == ()
    assert plan_recording([make_record("split", ratio="2")], [make_record("bonus", ratio="2")]).ended == ()


def test_two_statements_of_one_day_stand_side_by_side(make_record: Make) -> None:
    recording = plan_recording([make_record("bonus")], [make_record("split", ratio="5")])
    assert (ids(recording.added), recording.ended) == (["split confirmed"], ())


@pytest.mark.parametrize("state", ["confirmed", "rejected"])
@pytest.mark.parametrize("kind", ["split", "bonus"])
def test_a_suspicion_never_stands_beside_what_a_person_settled(make_record: Make, state: str, kind: str) -> None:
    recording = plan_recording([make_record("split", state=state)], [make_record(kind, state="suspected", ratio="3", source=JUMP)])
    assert (recording.added, recording.report) == ((), RecordReport(unchanged=1))


def test_a_dividend_explains_no_jump_and_ends_no_guess(make_record: Make) -> None:
    guess = make_record("split", state="suspected", source=JUMP)
    assert plan_recording([guess], [make_record("dividend", cash="5")]).ended == ()
    assert len(plan_recording([make_record("dividend", cash="5")], [guess]).added) == 1


def test_a_better_guess_replaces_the_one_of_its_day(make_record: Make) -> None:
    recording = plan_recording([make_record("demerger", factor="0.5", state="suspected", source=JUMP)], [
        make_record("split", state="suspected", source="detected:raw and adjusted closes")
    ])  # fmt: skip
    assert ids(recording.added) == ["split suspected"]
    assert len(recording.ended) == 1


def test_confirming_and_rejecting_replace_the_suspicion(make_record: Make) -> None:
    guess = make_record("split", state="suspected", source=JUMP)
    for state in ("confirmed", "rejected"):
        recording = plan_recording([guess], [make_record("split", state=state, source=JUMP)])
        assert (ids(recording.added), recording.report) == ([f"split {state}"], RecordReport(changed=1))


def test_records_of_one_call_see_each_other(make_record: Make) -> None:
    given = [make_record("split", state="suspected", source=JUMP), make_record("bonus"), make_record("bonus")]
    recording = plan_recording([], given)
    assert ids(recording.added) == ["bonus confirmed"]
    assert recording.report == RecordReport(new=2, unchanged=1)


def test_other_instruments_are_left_alone(make_record: Make) -> None:
    guess = make_record("split", state="suspected", source=JUMP)
    other = replace(guess, action=replace(guess.action, instrument=InstrumentId("NSE:OTHER")))
    assert plan_recording([other], [make_record("bonus")]).ended == ()


def test_each_record_is_compared_with_those_of_its_day_alone(make_record: Make) -> None:
    # Every one is a guess that a statement replaces; compared with all others, 20,000 would take minutes.
    first = date(1970, 1, 1)
    days = [(first + timedelta(days=day)).isoformat() for day in range(10_000)]
    guesses = [make_record("split", on, state="suspected", source=JUMP) for on in days]
    recording = plan_recording(guesses, [make_record("bonus", on) for on in days])
    assert recording.report == RecordReport(new=10_000, ended=10_000)
    assert set(recording.ended) == {guess.action.id for guess in guesses}
