"""Measure what this machine does and write ``RESULTS.md`` beside this file: ourselves, other engines, and a limit in C, side by side.

``make bench`` runs all of it, ``make bench QUICK=1`` a shorter one; ``--only W1,store`` some parts, which are printed and written nowhere.
CPU seconds are user plus system time, so that a busy machine disturbs less. What cannot be measured is named in the table and stops nothing
else.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks import instruments, machine, matches, own, pages
from benchmarks.contest import without_folders
from benchmarks.matches import (
    ARRAYS,
    BACKTESTING,
    C_CURVE,
    C_PLAIN,
    C_SWEEP,
    NO_CURVE,
    ON_BAR,
    ON_BAR_RUN,
    RAPTORBT,
    VECTORBT,
    WITH_CURVE,
    Plan,
)
from benchmarks.stores import measured
from benchmarks.table import HEADS, Figure, Section

HERE: Final = Path(__file__).resolve().parent
Part: TypeAlias = Callable[[Plan], tuple[list[Figure], list[Section]]]
LEAST_BARS: Final = 2_000_000
MOST_BARS: Final = 100_000_000
ON_ARRAYS: Final = "the fastest way we found of driving it; the marks were set for its documented use"


def main() -> int:
    """Measure and write; the exit code is 1 where a part failed."""
    parser = argparse.ArgumentParser(description="Measure qts, other engines and a limit in C.")
    parser.add_argument("--quick", action="store_true", help="a few minutes: fewer rounds, smaller sizes")
    parser.add_argument("--only", default="", help=f"parts to measure, of {','.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="where to write; without it all parts together go into RESULTS.md, some into no file")
    parser.add_argument(
        "--store-bars", type=bars, default=0, help="minute bars for the stores, such as 100M; 20M without it, 2M in a hurry"
    )
    arguments = parser.parse_args()
    chosen = [name for name in arguments.only.split(",") if name] or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="qts-bench-") as name:
        limit = machine.build_limit(HERE / "limit.c", Path(name))
        plan = Plan(folder=Path(name), quick=arguments.quick, limit=limit, store_bars=arguments.store_bars)
        figures, sections, failed = measure(plan, chosen)
    page = report(figures, sections, how=command(chosen, quick=plan.quick, store_bars=arguments.store_bars))
    # A page of some parts must not take the place of a page of all.
    place = arguments.out or (None if arguments.only else HERE / "RESULTS.md")
    if place is not None:
        place.write_text(page, encoding="utf-8")
    print(page)
    return 1 if failed else 0


def bars(text: str) -> int:
    """Return a number of bars, which may be in millions."""
    count = int(text.removesuffix("M")) * (1_000_000 if text.endswith("M") else 1)
    if not LEAST_BARS <= count <= MOST_BARS:
        raise argparse.ArgumentTypeError(f"{text} is not between {LEAST_BARS:,} and {MOST_BARS:,}")
    return count


def measure(plan: Plan, chosen: list[str]) -> tuple[list[Figure], list[Section], bool]:
    """Measure the parts in turn; one that fails is reported in the page."""
    figures: list[Figure] = []
    sections: list[Section] = []
    failed = False
    for name in chosen:
        began = time.monotonic()
        try:
            found = PARTS[name](plan)
        except Exception as error:  # noqa: BLE001 - one part's fault must not take the others' results away
            traceback.print_exc()
            failed = True
            sections.append(Section(title=name, words=f"**Failed**: {type(error).__name__}: {without_folders(str(error))}"))
        else:
            figures += found[0]
            sections += found[1]
        print(f"bench: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return figures, sections, failed


def w1(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Measure one run of 100,000 and of 1,000,000 bars."""
    figures: list[Figure] = []
    sections = []
    for n_bars, floor, aim in ((100_000, 60.0, 100.0), (1_000_000, 15.0, 22.0)):
        played = matches.single_run(plan, n_bars, slow_peers=n_bars == 100_000)
        label = f"one EMA-cross run of {n_bars:,} bars"
        # The floor asks for the four outputs, the aim for the equity curve on top: each is judged by its own row.
        for ours, limit, marks, how in (
            (NO_CURVE, C_PLAIN, (floor, math.nan), "the four outputs"),
            (WITH_CURVE, C_CURVE, (math.nan, aim), "the four outputs and the equity curve"),
        ):
            what = label if ours == NO_CURVE else f"{label}, with its curve"
            shares = (50.0, math.nan) if ours == NO_CURVE else (math.nan, 80.0)
            figures += [
                matches.against(played, ours, VECTORBT, what=f"{what}, vs vectorbt", marks=marks, how=f"{how}; its documented use"),
                matches.against(played, ours, ARRAYS, what=f"{what}, vs vectorbt on arrays", marks=marks, how=f"{how}; {ON_ARRAYS}"),
                *matches.share_of_limit(played, ours, limit, what=f"{what}, share of the C limit", marks=shares),
            ]
        if n_bars == 1_000_000:
            figures.append(matches.memory_of(played, WITH_CURVE, f"memory added by {label}", aim=20.0, how="equity curve included"))
        else:
            figures += callbacks(played)
        words = "EMA 12/26, all four outputs from raw prices."
        sections.append(matches.engine_section(played, WITH_CURVE, title=f"W1: {label}", words=words, unit="bars"))
    return figures, sections


def callbacks(played: matches.Played) -> list[Figure]:
    """Return the figures of a Python callback for each bar: measures only, or the whole run where those are not to be had."""
    name = ON_BAR_RUN if played.doubt(ON_BAR) else ON_BAR
    entry = played.entries[name]
    what = "`on_bar` path"
    how = f"the EMA cross as a Python callback, 100,000 bars; {name.removeprefix('qts, on_bar, ')}"
    pace = played.work / entry.cpu / 1e6
    return [
        Figure(what=what, seen=pace, floor=0.5, aim=1.2, unit=" M bars/s", how=how, doubt=played.doubt(name)),
        matches.against(played, name, BACKTESTING, what=f"{what} vs backtesting.py", marks=(2.7, 6.0), how=how),
    ]


def w2(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Measure a sweep of 400 pairs."""
    played = matches.sweep(plan)
    label = "400 pairs x 100,000 bars"
    figures = [
        matches.against(
            played, "qts", VECTORBT, what=f"{label} vs vectorbt", marks=(80.0, 200.0), how="its documented use, in blocks of 16"
        ),
        matches.against(played, "qts", ARRAYS, what=f"{label} vs vectorbt on arrays", marks=(80.0, 200.0), how=ON_ARRAYS),
        matches.against(played, "qts", RAPTORBT, what=f"{label} vs raptorbt", marks=(20.0, 60.0), how="batches of 40 pairs"),
        *matches.share_of_limit(played, "qts", C_SWEEP, what=f"{label}, share of the C limit", marks=(25.0, 90.0)),
        matches.memory_of(played, "qts", f"memory added by {label}", aim=50.0),
    ]
    words = (
        "Fast 5..24, slow 30, 35..125; four outputs for each pair; one thread. "
        "Each engine is held to plain Python in four pairs, and to one another in all."
    )
    return figures, [matches.engine_section(played, "qts", title=f"W2: {label}", words=words, unit="cells")]


def w3(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Measure 500 symbols on one account."""
    played = matches.portfolio(plan)
    label = "500 symbols x 2,500 bars, one account"
    figures = [
        matches.against(
            played, "qts", VECTORBT, what=f"{label} vs vectorbt", marks=(20.0, 60.0), how="its documented use, a group that shares cash"
        ),
        matches.against(played, "qts", ARRAYS, what=f"{label} vs vectorbt on arrays", marks=(20.0, 60.0), how=ON_ARRAYS),
        matches.against(played, "qts", RAPTORBT, what=f"{label} vs raptorbt", marks=(5.0, 15.0), how="separate runs, their curves summed"),
    ]
    words = "EMA 12/26 on each symbol; prices are so low that cash never limits."
    return figures, [matches.engine_section(played, "qts", title=f"W3: {label}", words=words, unit="cells")]


def cold(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Measure fresh processes."""
    played = matches.cold(plan)
    entry = played.entries["qts"]
    figure = Figure(
        what="first result from a cold process",
        seen=entry.cpu,
        floor=2.0,
        aim=1.2,
        unit=" CPU-s",
        more_is_better=False,
        how="10,000 bars, whole process",
        doubt=played.doubt("qts"),
    )
    return [figure], [matches.cold_section(played)]


def one(found: tuple[list[Figure], Section]) -> tuple[list[Figure], list[Section]]:
    """Return a part with its one section in a list."""
    return found[0], [found[1]]


PARTS: Final[dict[str, Part]] = {
    "W1": w1,
    "W2": w2,
    "W3": w3,
    "cold": cold,
    "costs": lambda plan: one(own.costs(plan)),
    "large": lambda plan: one(own.large(plan)),
    "account": lambda plan: one(own.account_of_500(plan)),
    "stopping": lambda plan: ([], [own.stopping(plan)]),
    "indicators": lambda plan: ([], [own.indicators(plan)]),
    "start-up": lambda plan: ([], [own.start_up(plan)]),
    "store": measured.part,
    "pages": pages.part,
    "instruments": lambda plan: (instruments.figures(quick=plan.quick), []),
}


def command(chosen: list[str], *, quick: bool, store_bars: int) -> str:
    """Return what was run, as one would type it to see the same."""
    if chosen == list(PARTS) and not store_bars:
        return f"make bench{' QUICK=1' if quick else ''}"
    words = ["python -m benchmarks.run"]
    words += [f"--only {','.join(chosen)}"] if chosen != list(PARTS) else []
    millions, rest = divmod(store_bars, 1_000_000)
    words += [f"--store-bars {store_bars if rest else f'{millions}M'}"] if store_bars else []
    return " ".join([*words, *(["--quick"] if quick else [])])


def report(figures: list[Figure], sections: list[Section], *, how: str) -> str:
    """Return the results as a page."""
    words = "Each mark is the project's own: a floor that is accepted, and an aim. Speed counts only where the numbers are the same."
    lines = [
        "# Results",
        "",
        f"Written by `{how}`. One machine, one day: compare figures of the same run only.",
        "How it is measured, and how to measure on your own machine: `docs/explanation/speed.md`.",
        "",
        machine.described(),
        machine.versions(),
        *Section(title="Figures to reach", words=words, heads=HEADS, rows=[figure.cells() for figure in figures]).lines(),
    ]
    for section in sections:
        lines += section.lines()
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
