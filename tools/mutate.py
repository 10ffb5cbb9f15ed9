"""Change the engine's code in small ways, one at a time, and tell which changes no test notices.

``python tools/mutate.py charges`` copies the sources to a folder of its own, lets mutmut make the changes there and run the tests that
should notice, and prints the figures and the survivors. The groups are in ``GROUPS``; without a name, all are run. The plain twins of
the kernels are tested, not what numba makes of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
COPIED: Final = ("src", "tests", "pyproject.toml", "README.md", "tools", "docs")
REFERENCE_RUNS: Final = "20"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files that are changed, and the tests that should notice."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


# The words of errors: tests look for the part that matters, and a change of the rest is no wrong result.
WORDS: Final = ("^ *raise ", "^ *(hint|reason) = ")
CHARGES: Final = "src/qts/market/charges"
KERNELS: Final = "src/qts/kernels"
# The quick tests that reach the whole loop; each change runs those of them that reach its function.
ENGINE_TESTS: Final = (
    *(f"tests/unit/backtest/test_{name}.py" for name in ("engine", "engine_protection", "partial_fills", "settlement", "terms")),
    "tests/golden/test_order_rules.py",
    "tests/golden/test_target_rules.py",
    "tests/golden/test_reference_engine.py",
)


def kernel_group(*names: str) -> Group:
    """Return the group of some modules of the kernels."""
    own = (f"tests/unit/kernels/test_{name}.py" for name in names)
    tests = tuple(test for test in own if (REPOSITORY / test).exists())
    return Group(files=tuple(f"{KERNELS}/{name}.py" for name in names), tests=(*tests, *ENGINE_TESTS))


GROUPS: Final = {
    "charges": Group(
        files=tuple(f"{CHARGES}/{name}.py" for name in ("pricing", "netting", "day", "contract_day", "fills", "rates")),
        tests=("tests/unit/market/charges", "tests/golden/test_reference_bill.py"),
    ),
    "ledger": Group(files=("src/qts/backtest/ledger.py",), tests=("tests/unit/backtest/test_ledger.py", *ENGINE_TESTS)),
    "arithmetic": kernel_group("arithmetic"),
    "charging": kernel_group("charging"),
    "money": kernel_group("funding", "booking"),
    "loop": kernel_group("wishes", "decisions", "execution", "orders", "fills", "trading", "endings"),
}


def main() -> int:
    """Run the groups named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one of {', '.join(GROUPS)}; all of them when absent")
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there, to continue or to look at it")
    options = parser.parse_args()
    unknown = [name for name in options.groups if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]}; the groups are {', '.join(GROUPS)}")
    for name in options.groups or GROUPS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = (options.keep or Path(scratch)) / name
            run_group(name, folder, children=options.children)
    return 0


def run_group(name: str, folder: Path, *, children: int) -> None:
    """Make the copy, run mutmut in it, and print what came of it."""
    group = GROUPS[name]
    prepare(folder, group)
    surroundings = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "QTS_REFERENCE_RUNS": REFERENCE_RUNS,
        "CI": "1",  # hypothesis draws the same examples each time
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run", "--max-children", str(children)], cwd=folder, env=surroundings, check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([*mutmut, "results", "--all", "true"], cwd=folder, env=surroundings, check=True, capture_output=True, text=True)
    fates = dict(line.strip().rsplit(": ", 1) for line in listed.stdout.splitlines() if ": " in line)
    counts = Counter(fates.values())
    total = sum(counts.values())
    caught = counts["killed"] + counts["timeout"]
    print(f"{name}: {caught} of {total} changes noticed ({caught / total:.1%})" if total else f"{name}: nothing to change")
    print("  " + ", ".join(f"{fate} {n}" for fate, n in counts.most_common()))
    for change in sorted(change for change, fate in fates.items() if fate not in {"killed", "timeout"}):
        shown = subprocess.run([*mutmut, "show", change], cwd=folder, env=surroundings, check=True, capture_output=True, text=True)
        print(f"\n{change}: {fates[change]}")
        print("\n".join(line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}))


def prepare(folder: Path, group: Group) -> None:
    """Copy the sources and add mutmut's settings to the copy."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, folder / name)
    settings = [
        "",
        "[tool.mutmut]",
        'source_paths = ["src"]',
        f"only_mutate = {list(group.files)}",
        f"pytest_add_cli_args_test_selection = {list(group.tests)}",
        'pytest_add_cli_args = ["-p", "no:randomly", "-p", "no:cacheprovider", "-q", "-x", "-k", "not compiled"]',
        'also_copy = ["README.md", "tools", "docs"]',
        f"do_not_mutate_patterns = {list(WORDS)}",
        "use_git_change_detection = false",
        'process_isolation = "forkserver"',  # in a fork of a process that has run the tests, rates stay cached as they were unchanged
        "",
    ]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings_file:
        settings_file.write("\n".join(settings))


if __name__ == "__main__":
    sys.exit(main())
