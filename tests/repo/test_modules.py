"""The house rules that no linter holds: sizes, names, public lists, frozen types, where a blanket except may stand."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

Trees = Mapping[Path, ast.Module]

MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "tools", "stuff"}
# The outermost shells, where foreign code is run or a person must not see a traceback.
SHELLS = ("core/discovery.py", "strategies/", "app/", "cli/", "ui/", "api/", "web.py")
LOGGING_FLOORS = ("data/", "app/", "ui/", "api/", "cli/", "web.py")


def inside(path: Path, places: tuple[str, ...]) -> bool:
    return path.as_posix().split("/src/qts/", 1)[1].startswith(places)


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_module_has_at_most_400_lines(repository: Path) -> None:
    folders = ("src", "tests", "tools", "benchmarks")
    long = {
        path.relative_to(repository).as_posix(): n_lines
        for folder in folders
        for path in (repository / folder).rglob("*.py")
        if (n_lines := len(lines_of(path))) > MAX_LINES
    }
    assert long == {}


def test_a_module_is_named_after_its_noun(modules: Trees) -> None:
    assert [str(path) for path in modules if path.stem in FORBIDDEN_NAMES] == []


def test_every_module_says_what_question_it_answers(modules: Trees) -> None:
    assert [str(path) for path, tree in modules.items() if tree.body and ast.get_docstring(tree) is None] == []


def public_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ImportFrom(module="__future__"):
                continue
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                continue
    return {name for name in names if not name.startswith("_")}


def test_a_package_lists_exactly_its_public_names(modules: Trees, repository: Path) -> None:
    wrong: dict[str, set[str]] = {}
    for path, tree in modules.items():
        if path.name != "__init__.py":
            continue
        package = ".".join(path.parent.relative_to(repository / "src").parts)
        module = importlib.import_module(package)
        listed = set(getattr(module, "__all__", ()))
        lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
        defined = public_names(tree) - ({"importlib", "import_module", "TYPE_CHECKING", "Any"} if lazy else set())
        dangling = {name for name in listed if not hasattr(module, name)}
        unlisted = defined - listed
        surplus = set() if lazy else {name for name in listed - defined if not name.startswith("__")}
        if problem := dangling | unlisted | surplus:
            wrong[package] = problem
    assert wrong == {}


def dataclass_flags(node: ast.ClassDef) -> set[str] | None:
    """Return the switches set in a class's ``@dataclass``, or None where there is none."""
    for decorator in node.decorator_list:
        name = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(name, ast.Name) and name.id == "dataclass":
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            return {word.arg for word in keywords if word.arg and isinstance(word.value, ast.Constant) and word.value.value is True}
    return None


def test_a_dataclass_is_frozen_and_slotted_or_says_why_not(modules: Trees) -> None:
    loose: list[str] = []
    for path, tree in modules.items():
        lines = lines_of(path)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or (flags := dataclass_flags(node)) is None:
                continue
            excused = any(" # " in lines[i_line] for i_line in range(node.decorator_list[0].lineno - 1, node.lineno))
            if not {"frozen", "slots"} <= flags and not excused:
                loose.append(f"{path}:{node.lineno} {node.name}")
    assert loose == []


def blanket_handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            is_blanket = any(kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in caught)
            last = node.body[-1]
            tidies_up = isinstance(last, ast.Raise) and last.exc is None  # whatever it was goes on unchanged
            if is_blanket and not tidies_up:
                yield node


def test_a_blanket_except_stands_only_in_a_shell_and_with_a_reason(modules: Trees) -> None:
    reason = re.compile(r"# (noqa: BLE001 - )?\w+")  # the mark itself is not needed where the handler raises
    loose = [
        f"{path}:{handler.lineno}"
        for path, tree in modules.items()
        for handler in blanket_handlers(tree)
        if not inside(path, SHELLS) or not reason.search(lines_of(path)[handler.lineno - 1])
    ]
    assert loose == []


def test_only_the_command_line_prints(modules: Trees) -> None:
    printing = [
        f"{path}:{node.lineno}"
        for path, tree in modules.items()
        if not inside(path, ("cli/",))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def imported_roots(tree: ast.Module) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


def test_only_the_outer_floors_log(modules: Trees) -> None:
    logging = [str(path) for path, tree in modules.items() if "structlog" in imported_roots(tree) and not inside(path, LOGGING_FLOORS)]
    assert logging == []


def test_only_the_app_reads_the_environment(modules: Trees) -> None:
    upper = ("app/", "cli/", "ui/", "api/", "web.py", "kernels/")  # kernels: numba takes its cache folder from there
    reading = [
        f"{path}:{node.lineno}"
        for path, tree in modules.items()
        if not inside(path, upper)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert reading == []


def test_a_test_file_mirrors_a_module(repository: Path) -> None:
    """A unit test stands where its module stands; a suite that spans a package may carry the package's name."""
    lost = []
    for path in (repository / "tests" / "unit").rglob("test_*.py"):
        place = path.relative_to(repository / "tests" / "unit").parent
        source = repository / "src" / "qts" / place
        name = path.stem.removeprefix("test_")
        starts = any(name == part.stem or name.startswith(part.stem.lstrip("_") + "_") for part in source.glob("*.py"))
        package = name == place.name or (source / name).is_dir() or any(name.startswith(part.name + "_") for part in source.glob("*/"))
        if not (starts or package):
            lost.append(path.relative_to(repository).as_posix())
    assert lost == []
