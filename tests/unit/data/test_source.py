from __future__ import annotations

from qts.data.source import asked_sources, built_in_sources, watched_sources


def test_the_built_in_sources_are_found_by_their_files() -> None:
    found = built_in_sources()
    assert list(found) == ["arch_indices", "simulated_market"]
    assert [source.simulated for source in found.values()] == [False, True]


def test_no_source_is_of_two_kinds_and_each_that_is_asked_says_what_one_request_may_span() -> None:
    kinds = [set(built_in_sources()), set(asked_sources()), set(watched_sources())]
    assert len(set.union(*kinds)) == sum(map(len, kinds))
    assert {"kite", "sandbox"} <= kinds[1]
    for source in asked_sources().values():
        assert all(days > 0 for days in source.most_days.values())
        assert source.most_days
        assert source.spacing() >= 0.0
