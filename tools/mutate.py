"""Change the engine's code in small ways, one at a time, and tell which changes no test notices.

``python tools/mutate.py charges`` copies the sources to a folder of its own, makes the changes there with mutmut's operators and runs for
each the tests that reach the changed function (``mutated_tests.py``). It prints per module how many changes there were, how many a test
noticed and how many are left, then what is left: first what ``unnoticed.toml`` accepts with a reason, then the rest. It ends with 1 if
fewer than nine in ten changes of a module are noticed. The groups are in ``GROUPS``; without a name, all are run. The plain twins of the
kernels are tested, not what numba makes of them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
ACCEPTED: Final = Path(__file__).with_name("unnoticed.toml")
COPIED: Final = ("src", "tests", "pyproject.toml", "README.md", "tools", "docs")
REFERENCE_RUNS: Final = "20"
LEAST: Final = 0.9
NOTICED: Final = ("killed", "timeout")
SEED: Final = 20240701


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files that are changed, and the tests that should notice."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the code, and what became of it."""

    name: str
    module: str
    function: str
    was: str
    now: str
    fate: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what says which change this is, however the code around it moves."""
        return self.module, self.function, self.was, self.now


# The words of errors: tests look for the part that matters, and a change of the rest is no wrong result.
WORDS: Final = ("^ *raise ", "^ *(hint|reason) = ", "^ *return BadParameter")
CHARGES: Final = "src/qts/market/charges"
KERNELS: Final = "src/qts/kernels"
# Everything that makes a number of a bill; the examples and the reference page only show them.
PARTS: Final = (
    *("pricing", "netting", "day", "contract_day", "share_day", "fills", "rates", "schedule"),
    *("orders", "segments", "round_trip", "funds"),
)
# The quick tests that reach the whole loop; each change runs those of them that reach its function.
ENGINE_PARTS: Final = ("engine", "engine_protection", "engine_partial_fills", "engine_corporate_actions", "settlement", "terms")
SLOW_TESTS: Final = (*(f"tests/unit/backtest/test_{name}.py" for name in ENGINE_PARTS), "tests/golden/test_reference_engine.py")
ENGINE_TESTS: Final = ("tests/golden/test_order_rules.py", "tests/golden/test_target_rules.py", *SLOW_TESTS)


def kernel_group(*names: str) -> Group:
    """Return the group of some modules of the kernels."""
    folder = REPOSITORY / "tests/unit/kernels"
    tests = sorted(test.relative_to(REPOSITORY).as_posix() for name in names for test in folder.glob(f"test_{name}*.py"))
    return Group(files=tuple(f"{KERNELS}/{name}.py" for name in names), tests=(*tests, *ENGINE_TESTS))


GROUPS: Final = {
    "charges": Group(
        files=tuple(f"{CHARGES}/{name}.py" for name in PARTS),
        tests=("tests/unit/market/charges", "tests/golden/test_reference_bill.py"),
    ),
    "ledger": Group(
        files=("src/qts/backtest/ledger.py", "src/qts/backtest/exact.py"),
        tests=(*(f"tests/unit/backtest/test_{name}.py" for name in ("ledger", "ledger_days", "exact")), *ENGINE_TESTS),
    ),
    "arithmetic": kernel_group("arithmetic"),
    "charging": kernel_group("charging"),
    "money": kernel_group("funding", "booking"),
    "loop": kernel_group("fills", "execution", "orders", "trading", "endings", "wishes", "decisions", "actions", "hits"),
    "bill": Group(files=(f"{KERNELS}/bill.py",), tests=("tests/unit/kernels/test_bill.py", "tests/unit/kernels/test_bill_orders.py")),
}


def main() -> int:
    """Run the groups named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one of {', '.join(GROUPS)}; all of them when absent")
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there, to look at it")
    parser.add_argument(
        "--again", action="store_true", help="try only what was left in the folder kept and not accepted; its sources must be unchanged"
    )
    parser.add_argument("--modules", default="", metavar="NAMES", help="only these of the group's modules, such as pricing,rates")
    parser.add_argument("--quick", action="store_true", help="run the tests of the modules themselves and the scenes worked out by hand")
    parser.add_argument("--sample", type=int, help=f"try so many changes of each module, drawn with the seed {SEED}")
    options = parser.parse_args()
    unknown = [name for name in options.groups if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]}; the groups are {', '.join(GROUPS)}")
    is_enough = True
    for name in options.groups or GROUPS:
        files = tuple(file for file in GROUPS[name].files if not options.modules or Path(file).stem in options.modules.split(","))
        with tempfile.TemporaryDirectory() as scratch:
            folder = (options.keep or Path(scratch)) / name
            known = fates_in(folder) if options.again else {}
            tests = tuple(test for test in GROUPS[name].tests if not options.quick or test not in SLOW_TESTS)
            chosen = Group(files=files, tests=tests)
            changes = run_group(chosen, folder, known, children=options.children, sample=options.sample)
        is_enough &= report(name, changes)
    return 0 if is_enough else 1


def run_group(group: Group, folder: Path, known: Mapping[str, str], *, children: int, sample: int | None) -> list[Change]:
    """Return the changes of a group's files and what became of each; those that are known to be noticed, or accepted, are not tried."""
    prepare(folder)
    with contextlib.chdir(folder):  # where mutmut looks for its settings
        found = [change for file in group.files for change in change_file(Path(file), sample)]
    reasons = accepted()
    wanted = [one.name for one in found if one.name not in known or (known[one.name] not in NOTICED and one.key not in reasons)]
    (folder / "changes.json").write_text(json.dumps(wanted), encoding="utf-8")
    surroundings = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "QTS_REFERENCE_RUNS": REFERENCE_RUNS,
        "CI": "1",  # hypothesis draws the same examples each time
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join((str(folder / "src"), str(folder / "tools"))),
        "MUTATED_CHILDREN": str(children),
    }
    plain = (
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--timeout=0",
        "--tb=native",
        "--assert=plain",
        "-q",
        "-k",
        "not compiled",
    )
    log = folder / "tests.log"
    with log.open("w", encoding="utf-8") as told:
        command = [sys.executable, "-m", "pytest", "-p", "mutated_tests", *plain, *group.tests]
        done = subprocess.run(command, cwd=folder, env=surroundings, check=False, stdout=told, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"the tests could not be run:\n{log.read_text(encoding='utf-8')[-3000:]}")
    fates = {**known, **fates_in(folder)}
    (folder / "fates.txt").write_text("".join(f"{one.name} {fates[one.name]}\n" for one in found), encoding="utf-8")
    return [replace(one, fate=fates[one.name]) for one in found]


def fates_in(folder: Path) -> dict[str, str]:
    """Return what became of the changes tried in a folder, by their names."""
    return dict(line.split(" ", 1) for line in (folder / "fates.txt").read_text(encoding="utf-8").splitlines())


def prepare(folder: Path) -> None:
    """Copy the sources and add mutmut's settings to the copy."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, folder / name)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings_file:
        settings_file.write(f'\n[tool.mutmut]\nsource_paths = ["src"]\ndo_not_mutate_patterns = {list(WORDS)}\n')


def change_file(file: Path, sample: int | None) -> Iterator[Change]:
    """Write a file's changes into it, to be chosen at run time, and return them."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - only the development environment has it

    changed = mutate_file_contents(str(file), lifted(file.read_text(encoding="utf-8")))
    file.write_text(changed.code, encoding="utf-8")
    names = list(changed.mutant_names)
    if sample is not None and sample < len(names):
        names = random.Random(SEED).sample(names, sample)  # noqa: S311 - a draw that anyone can repeat
    module = ".".join(file.with_suffix("").parts[1:])
    lines = changed.code.splitlines()
    for name in names:
        mangled = name.partition("__mutmut_")[0]
        spans = (changed.line_span_by_function_name[part] for part in (f"{mangled}__mutmut_orig", name))
        # Without the first line that is code: it has the name.
        before, after = ([line.replace(name, mangled) for line in lines[span.start - 1 : span.end]] for span in spans)
        before = [line.replace(f"{mangled}__mutmut_orig", mangled) for line in before]
        was, now = difference(before, after)
        function = ".".join(mangled.split("ǁ")[1:]) if "ǁ" in mangled else mangled.removeprefix("x_")
        yield Change(name=f"{module}.{name}", module=module.rpartition(".")[2], function=function, was=was, now=now)


def lifted(source: str) -> str:
    """Return a module with ``@cache`` and ``@property`` written as assignments, for mutmut leaves decorated functions alone."""
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda one: -one.lineno):
        names = [one.id for one in node.decorator_list if isinstance(one, ast.Name)]
        if names not in (["cache"], ["property"]) or node.end_lineno is None:
            continue
        at = node.decorator_list[0].lineno - 1
        indent = " " * node.col_offset
        lines.insert(node.end_lineno, f"{indent}{node.name} = {names[0]}({node.name})")
        del lines[at]
    return "\n".join(lines) + "\n"


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Return what was and what is now where two texts differ."""
    lines = [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]
    was, now = (" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in ("- ", "+ "))
    return was, now


def report(group: str, changes: Sequence[Change]) -> bool:
    """Print what became of a group's changes; return whether enough of each module's were noticed."""
    reasons = accepted()
    is_enough = True
    for module in dict.fromkeys(change.module for change in changes):
        own = [change for change in changes if change.module == module]
        left = [change for change in own if change.fate not in NOTICED]
        noticed = len(own) - len(left)
        n_accepted = sum(change.key in reasons for change in left)
        is_enough &= noticed >= LEAST * len(own)
        share = f"{noticed / len(own):.1%}"
        print(f"{group} {module}: {len(own)} changes, {noticed} noticed ({share}), {len(left)} left, {n_accepted} of them accepted")
    left = [change for change in changes if change.fate not in NOTICED]
    for change in sorted(left, key=lambda one: one.key not in reasons):
        print(f"\n{change.module}.{change.function}: {reasons.get(change.key, change.fate.upper())}\n- {change.was}\n+ {change.now}")
    tried = {change.module for change in changes}
    for key in reasons.keys() - {change.key for change in left}:
        if key[0] in tried:
            print(f"\naccepted, but noticed or gone: {' | '.join(key)}")
    return is_enough


def accepted() -> dict[tuple[str, str, str, str], str]:
    """Return the changes that may stay unnoticed, each with its reason."""
    rows = tomllib.loads(ACCEPTED.read_text(encoding="utf-8")).get("reason", [])
    return {(one["module"], one["function"], one["was"], one["now"]): row["why"] for row in rows for one in row["changes"]}


if __name__ == "__main__":
    sys.exit(main())
