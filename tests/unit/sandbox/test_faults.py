from __future__ import annotations

from qts.sandbox import Fault, FaultPlan


def test_a_plan_spoils_its_share_and_the_same_ones_every_time() -> None:
    plan = FaultPlan(share=0.2, seed=7)
    faults = [plan.fault(place) for place in range(5_000)]
    assert faults == [FaultPlan(share=0.2, seed=7).fault(place) for place in range(5_000)]
    assert 900 < sum(fault is not None for fault in faults) < 1_100
    assert {fault for fault in faults if fault is not None} == set(plan.kinds)
    assert faults != [FaultPlan(share=0.2, seed=8).fault(place) for place in range(5_000)]


def test_a_place_that_is_named_is_spoiled_as_named() -> None:
    plan = FaultPlan(at={3: Fault.HANG})
    assert [plan.fault(place) for place in range(5)] == [None, None, None, Fault.HANG, None]
