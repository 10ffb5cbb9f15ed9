from __future__ import annotations

from qts.data.source import built_in_sources


def test_the_built_in_sources_are_found_by_their_files() -> None:
    found = built_in_sources()
    assert list(found) == ["arch_indices", "simulated_market"]
    assert [source.simulated for source in found.values()] == [False, True]
