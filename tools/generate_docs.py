"""Write the reference pages that come from the code: commands, routes, settings, metrics and the rest.

``make docs`` runs it; ``--check`` only says which pages are stale. A test in ``tests/repo`` holds the committed pages to this.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from qts.analytics import metrics_document
from qts.api.statuses import status_of
from qts.app.settings import Settings
from qts.cli import exit_codes
from qts.core import discover, errors
from qts.core.errors import QtsError
from qts.data import formats as format_package
from qts.data import sources as source_package
from qts.data.layout import Format
from qts.data.source import AskedSource, BundledSource, Source, WatchedSource
from qts.kernels import IndicatorSpec
from qts.kernels.indicators import FAMILIES
from qts.market import charges, listing
from qts.strategies import Param, Strategy
from qts.strategies import library as strategy_package
from qts.ui.page import pages as ui_pages

ROOT: Final = Path(__file__).resolve().parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
MADE: Final = "<!-- Written by tools/generate_docs.py (`make docs`); changes made here are lost. -->\n"


def reference_pages() -> dict[str, str]:
    """Return every generated page by file name."""
    builders: dict[str, Callable[[], str]] = {
        "cli.md": cli_page,
        "api.md": api_page,
        "settings.md": settings_page,
        "metrics.md": metrics_document,
        "charges.md": charges.charges_document,
        "listing.md": listing.listing_document,
        "formats.md": formats_page,
        "sources.md": sources_page,
        "strategies.md": strategies_page,
        "indicators.md": indicators_page,
        "pages.md": pages_page,
        "errors.md": errors_page,
    }
    return {name: MADE + build().rstrip() + "\n" for name, build in builders.items()}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; text is one line per cell, with bars and angle brackets escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    """Return a value as the text of a table's cell."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def code(value: object) -> str:
    """Return a value set as code."""
    return f"`{value}`" if str(value) else ""


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring, without its markup."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()).replace("``", "`")


def heading_of(module: object) -> str:
    """Return what stands after the colon of a plugin's docstring, or all of it."""
    text = summary(module)
    return text.partition(": ")[2] or text


def cli_page() -> str:
    """Return the page of all commands with their options."""
    import typer.main  # noqa: PLC0415 - only this page asks the command line

    commands = leaves(typer.main.get_command(importlib.import_module("qts.cli.main").app))
    parts = [
        "# Command line",
        "`make setup` leaves the command at `.venv/bin/qts`. Every command takes `--json`: one JSON document on standard output, messages on standard error. [Exit codes](errors.md) are the same for all.",
        "Before the command stands `--home FOLDER`, for a home folder other than that of the [settings](settings.md).",
        table(
            ["command", "does"],
            [(f"[`qts {name}`](#qts-{name.replace(' ', '-')})", first_line(command.help)) for name, command in commands.items()],
        ),
    ]
    for name, command in commands.items():
        parts += [f"## qts {name}", plain(command.help), usage(name, command), option_table(command)]
    return "\n\n".join(part for part in parts if part)


def leaves(group: Any, prefix: str = "") -> dict[str, Any]:
    """Return the commands of a group by name, those of the groups inside of it with their group's name before theirs."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        found |= leaves(command, f"{prefix}{name} ") if hasattr(command, "commands") else {f"{prefix}{name}": command}
    return found


def plain(text: str | None) -> str:
    """Return a command's help as paragraphs."""
    paragraphs = inspect.cleandoc(text or "").replace("\b", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()).replace("<", "&lt;") for paragraph in paragraphs)


def first_line(text: str | None) -> str:
    """Return the first sentence of a command's help."""
    return plain(text).split("\n\n")[0]


def usage(name: str, command: Any) -> str:
    """Return how a command is written."""
    words = [f"{parameter.name.upper()}{'…' if parameter.nargs == -1 else ''}" for parameter in arguments_of(command)]
    words += [f"{parameter.opts[0]} …" for parameter in command.params if parameter.required and parameter not in arguments_of(command)]
    return f"```sh\nqts {' '.join([name, *words, '[OPTIONS]'])}\n```"


def arguments_of(command: Any) -> list[Any]:
    """Return a command's arguments without its options."""
    return [parameter for parameter in command.params if parameter.param_type_name == "argument"]


def option_table(command: Any) -> str:
    """Return a command's arguments and options."""
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
            continue
        is_argument = parameter.param_type_name == "argument"
        names = [parameter.name.upper()] if is_argument else [*parameter.opts, *parameter.secondary_opts]
        shown = "" if parameter.default in (None, False) else code(parameter.default)
        rows.append((" ".join(code(name) for name in names), "required" if parameter.required else shown, parameter.help or ""))
    return table(["option", "default", "meaning"], rows) if rows else ""


def api_page() -> str:
    """Return the page of the HTTP routes, from the OpenAPI document that the server publishes."""
    from fastapi import FastAPI  # noqa: PLC0415 - only this page asks the API
    from pydantic.warnings import UnsupportedFieldAttributeWarning  # noqa: PLC0415

    app = FastAPI()
    with warnings.catch_warnings():
        # FastAPI gives the model of a query an alias that pydantic then says has no effect.
        warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
        for module in ("routes", "archive", "jobs", "schedules"):
            app.include_router(importlib.import_module(f"qts.api.{module}").router)
        document = app.openapi()
    parts = [
        "# HTTP API",
        "At the address of the pages, under `/api`; the requests are those of the [command line](cli.md). `/api/openapi.json` holds the full schemas, also of the answers. There is no login yet, and the server refuses requests that other sites' pages send.",
        "`GET /health/live` says that the process answers, `GET /health/ready` whether the store and the control database do. Errors are the documents of [Errors](errors.md) under the HTTP status that fits.",
    ]
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            parts += [f"## {method.upper()} {path}", route.get("description", "").replace("``", "`")]
            rows = [
                (code(item["name"]), "required" if item["required"] else "", item.get("description", ""))
                for item in route.get("parameters", [])
            ]
            rows += body_rows(route, document["components"]["schemas"])
            parts += [table(["field", "", "meaning"], rows)] if rows else []
    return "\n\n".join(parts)


def body_rows(route: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the fields of a route's JSON body."""
    body = route.get("requestBody")
    if body is None:
        return []
    schema = schemas[body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    needed = schema.get("required", [])
    return [
        (code(name), "required" if name in needed else "", field.get("description", "")) for name, field in schema["properties"].items()
    ]


def settings_page() -> str:
    """Return the page of all settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            default = "the platform's folder for user data" if name == "home" else "in the platform's folder for configuration"
        else:
            value = f"{field.default:f}" if isinstance(field.default, Decimal) else field.default
            default = "" if value in {(), None} else code(value)
        variable = name.upper() if field.validation_alias is not None else f"QTS_{name.upper()}"
        rows.append((code(name), code(variable), default, field.description or ""))
    return "\n\n".join(
        [
            "# Settings",
            "An argument on the command line wins over the environment, the environment over `qts.toml` in the home folder, that over the default. A key that is no setting is refused, not ignored.",
            table(["in qts.toml", "in the environment", "default", "meaning"], rows),
            '```toml\n# $QTS_HOME/qts.toml\ncapital = "500000"\nsize = "percent:0.5"\nslippage = "bps:5"\n```',
        ]
    )


def formats_page() -> str:
    """Return the page of the file formats that an import recognises."""
    rows = []
    for name, found in discover(format_package, "FORMAT", Format).items():
        rows.append((code(name.replace("_", "-")), found.title, heading_of(sys.modules[f"{format_package.__name__}.{name}"])))
    return "\n\n".join(
        [
            "# File formats",
            "`qts import` finds the format from a file's columns, content and name; `--format` names it. Each may be plain, gzipped or zipped; an archive may hold several files. Text may be UTF-8 or UTF-16.",
            table(["`--format`", "what", "notes"], rows),
            "A bar is stored with its opening instant, in India time unless the file says otherwise. How to help where detection fails: [Import your files](../how-to/import-files.md).",
        ]
    )


def sources_page() -> str:
    """Return the page of the data sources: those that are asked, those that bring files, and what the bundled ones list."""
    found = discover(source_package, "SOURCE", Source)
    parts = [
        "# Data sources",
        "`qts ingest --source NAME` has bars from the first ones; how: [Download history](../how-to/download-history.md). Sources that need neither network nor key follow: `qts demo` stores all of them, and `make run` does so when the store is empty.",
        "## To download from, or to take files from",
    ]
    rows = []
    for name, source in found.items():
        if isinstance(source, AskedSource):
            spans = ", ".join(f"{interval} ({days} days)" for interval, days in source.most_days.items())
            rows.append((code(name), source.title, source.note, spans, source.licence))
        elif isinstance(source, WatchedSource):
            rows.append((code(name), source.title, source.note, "whatever the files hold", source.licence))
    parts.append(table(["`--source`", "what", "notes", "bars, and how much one request may span", "terms"], rows))
    for name, source in found.items():
        if not isinstance(source, BundledSource):
            continue
        intervals = ", ".join(dict.fromkeys(str(key.interval) for key in source.series()))
        parts.append(f"## {source.title}")
        parts.append(f"`{name}`, {'**simulated**' if source.simulated else 'real'}, intervals {intervals}. {source.note}")
        parts.append(f"Licence: {source.licence}")
        parts.append(
            table(
                ["instrument", "name", "sector", "note"],
                [(code(item.instrument.id), item.instrument.name, item.sector, item.note) for item in source.listings()],
            )
        )
    return "\n\n".join(parts)


def strategies_page() -> str:
    """Return the page of the built-in strategies with their parameters."""
    parts = [
        "# Strategies",
        "Built in. Yours stand beside them as soon as their file is there: [Write your own strategy](../tutorial/write-a-strategy.md).",
    ]
    for name, strategy in discover(strategy_package, "STRATEGY", Strategy).items():
        parts.append(f"## {strategy.title}")
        parts.append(f"`{name}`, in `src/qts/strategies/library/{name}.py`. {strategy.description}")
        if strategy.params:
            parts.append(
                table(["parameter", "default", "allowed", "meaning"], [parameter_row(key, param) for key, param in strategy.params.items()])
            )
        if isinstance(strategy.constraint, str):
            parts.append(f"Must hold: `{strategy.constraint}`.")
    return "\n\n".join(parts)


def indicators_page() -> str:
    """Return the page of the indicators, family by family."""
    parts = [
        "# Indicators",
        'In a rule: `Indicator("macd", 12, Ref("slow"), 9, output="signal")`; numbers left out are the defaults, and the first output is the one taken. From Python: `qts.kernels.macd(close, 12, 26, 9)` for whole arrays, `qts.kernels.incremental("macd", 12, 26, 9).update(price)` bar by bar. Both give the same bits.',
        "An indicator is NaN until it is defined; the column *begins* counts the bars before, with the default parameters. A bar with a missing value in any input does not exist for it: it is NaN there, and goes on from the bar before. An output uses its own bar and those before it, never a later one. Where the definition names TA-Lib, the numbers are its to a billionth.",
    ]
    for family, specs in FAMILIES.items():
        parts.append(f"## {family}")
        parts.append(table(["name", "parameters", "outputs", "reads", "begins", "definition"], [indicator_row(spec) for spec in specs]))
    return "\n\n".join(parts)


def indicator_row(spec: IndicatorSpec) -> tuple[str, ...]:
    """Return an indicator as cells."""
    numbers = [f"{code(name)} {setting.default:g} ({setting.low:g} to {setting.high:g})" for name, setting in spec.params.items()]
    words = [f"{code(name)} {' or '.join(map(code, values))}" for name, values in spec.options.items()]
    outputs = ", ".join(map(code, spec.outputs)) if len(spec.outputs) > 1 else ""
    definition = f"**{spec.title}**. {spec.definition}"
    return code(spec.id), ", ".join(numbers + words), outputs, ", ".join(spec.inputs), f"after {spec.warmup()}", definition


def parameter_row(name: str, param: Param) -> tuple[object, ...]:
    """Return one parameter as cells."""
    allowed = " to ".join(str(bound) for bound in (param.low, param.high) if bound is not None)
    if param.choices:
        allowed = ", ".join(str(choice) for choice in param.choices)
    return (
        code(name),
        code(str(param.default).lower() if isinstance(param.default, bool) else param.default),
        allowed or param.kind.value,
        param.help,
    )


def pages_page() -> str:
    """Return the page of the pages in the browser."""
    rows = [(page.title, code("/" if name == "home" else f"/{name}"), page.help) for name, page in ui_pages().items()]
    return "\n\n".join(
        [
            "# Pages",
            "In the browser, at the address that `qts up` or `qts serve` prints. What a page shows is in its address, so a bookmark or F5 opens the same again.",
            table(["page", "address", "shows"], rows),
        ]
    )


def errors_page() -> str:
    """Return the page of the errors and exit codes."""
    rows = [
        (code(kind.__name__), code(kind.__mro__[1].__name__), summary(kind), exit_code(kind), status_of(kind.__new__(kind)))
        for kind in error_classes()
    ]
    return "\n\n".join(
        [
            "# Errors and exit codes",
            'With `--json` an error is one document on standard output: `{"error": {"kind", "message", "hint", …}}`. Programs branch on `kind` and on the exit code, never on the text.',
            table(
                ["code", "means"],
                [
                    (exit_codes.DONE, "done"),
                    (exit_codes.UNEXPECTED, "something nobody foresaw; the message carries an error id, the log the details"),
                    (exit_codes.USAGE, "the caller can fix it: usage, unknown instrument, bad parameter, broken strategy file"),
                    (exit_codes.DATA, "data missing or wrong"),
                    (exit_codes.OUTSIDE, "the outside failed"),
                    (exit_codes.FOUND, "a check found something: look-ahead, damage, a replay that differs"),
                    (exit_codes.INTERRUPTED, "stopped with Ctrl-C"),
                ],
            ),
            "## Kinds",
            table(["kind", "is a", "meaning", "exit code", "HTTP status"], rows),
        ]
    )


def error_classes() -> list[type[QtsError]]:
    """Return every error class in the order of its file."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, QtsError)]


def exit_code(kind: type[QtsError]) -> int:
    """Return the exit code of a class, from the command line's own table."""
    return next((status for base, status in exit_codes.EXIT_CODES if issubclass(kind, base)), exit_codes.UNEXPECTED)


def main_program() -> int:
    """Write what changed, or with ``--check`` only say so."""
    parser = argparse.ArgumentParser(description="Generate the reference pages.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    check = parser.parse_args().check
    stale = []
    for name, text in reference_pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main_program())
