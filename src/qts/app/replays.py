"""Compute a stored run again, from its own source text and snapshot, and compare it byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from qts.app.requests import BacktestRequest, build
from qts.app.run_building import build_curves, build_document, build_events
from qts.app.run_document import RunDocument
from qts.app.run_planning import compute, plan_entry, source_of, stored_entry
from qts.app.run_store import (
    DOCUMENT_NAME,
    EVENTS_NAME,
    SOURCE_NAME,
    document_bytes,
    parse_document,
    read_curves,
    read_document_bytes,
    read_events,
    read_source,
)
from qts.app.workspace import Workspace
from qts.core.discovery import load_file
from qts.core.errors import PluginError, UnknownStrategy
from qts.strategies import CatalogEntry, Strategy

_MAX_DIFFERENCES: Final = 20


class ReplayDifference(BaseModel):
    """One place where the recomputed document differs from the stored one."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    where: str
    stored: str
    recomputed: str


class ReplayDocument(BaseModel):
    """Whether a run could be repeated. ``notes`` say what has changed around it since."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    identical: bool
    differences: tuple[ReplayDifference, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    content: bytes
    document: RunDocument
    curves: pa.Table
    events: pa.Table
    source: str


def replay(workspace: Workspace, run_id: str) -> ReplayDocument:
    """Return whether recomputing a run from its stored source, settings and snapshot gives the same bytes.

    Raises
    ------
    UnknownRun
        If there is no such run.
    DamagedFile
        If its files are not what was written.
    """
    stored = _read(workspace, run_id)
    entry, notes = _entry(workspace, stored)
    plan = plan_entry(workspace, _request(stored.document), entry, source=stored.source, stored=stored.document)
    finished = compute(plan)
    content = document_bytes(build_document(finished))
    differences = list(_differences(json.loads(stored.content), json.loads(content), ""))
    if not build_curves(finished).equals(stored.curves):
        differences.append(ReplayDifference(where="equity.parquet", stored="as kept", recomputed="other values"))
    if not build_events(finished).equals(stored.events):
        differences.append(ReplayDifference(where=EVENTS_NAME, stored="as kept", recomputed="other events"))
    identical = content == stored.content and not differences
    if stored.document.engine != plan.engine:
        was, now = stored.document.engine, plan.engine
        notes.append(
            f"Engine and cost schedule were {was.version} and {was.cost_schedule}; now they are {now.version} and {now.cost_schedule}."
        )
    return ReplayDocument(run_id=run_id, identical=identical, differences=tuple(differences[:_MAX_DIFFERENCES]), notes=tuple(notes))


def _read(workspace: Workspace, run_id: str) -> _Stored:
    folder = workspace.settings.runs_folder
    content = read_document_bytes(folder, run_id)
    return _Stored(
        content=content,
        document=parse_document(content, path=str(folder / run_id / DOCUMENT_NAME)),
        curves=read_curves(folder, run_id),
        events=read_events(folder, run_id),
        source=read_source(folder, run_id),
    )


def _request(document: RunDocument) -> BacktestRequest:
    bases = set(document.data.prices.values())
    settings = document.settings
    return build(
        BacktestRequest,
        strategy=document.strategy.id,
        instruments=document.data.instruments,
        interval=document.data.interval,
        fill_interval=document.data.fill_interval,
        start=date.fromisoformat(document.data.start),
        end=date.fromisoformat(document.data.end),
        params=document.strategy.params,
        as_of=document.data.snapshot,
        # Instruments of both bases in one run were chosen by "auto", which chooses the same from the same snapshot.
        prices=bases.pop() if len(bases) == 1 else "auto",
        **settings.model_dump(exclude={"ticks"}),
        # Where some have ticks, they are the instruments whose prices are as traded, as without a word on it.
        ticks=None if settings.ticks else False,
    )


def _entry(workspace: Workspace, stored: _Stored) -> tuple[CatalogEntry, list[str]]:
    part = stored.document.strategy
    if not stored.source:
        # A strategy without a file of its own, from an installed package.
        return stored_entry(part, workspace.catalog().get(part.id).require(), None), []
    path = workspace.settings.runs_folder / stored.document.run_id / SOURCE_NAME
    plugin = load_file(path, "STRATEGY", Strategy)
    if plugin.value is None:
        raise plugin.error or PluginError(str(path), "declares no STRATEGY")
    return stored_entry(part, plugin.value, path), _changes(workspace, stored)


def _changes(workspace: Workspace, stored: _Stored) -> list[str]:
    name = stored.document.strategy.id
    try:
        present = source_of(workspace.catalog().get(name))
    except UnknownStrategy:
        return [f"The strategy {name!r} is no longer in the catalogue; the source kept with the run was used."]
    except PluginError as error:
        return [f"The strategy {name!r} is broken now ({error.reason}); the source kept with the run was used."]
    if present == stored.source:
        return []
    return [f"The file of the strategy {name!r} has changed since; the source kept with the run was used."]


def _differences(stored: object, again: object, where: str) -> Iterator[ReplayDifference]:
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in sorted(stored.keys() | again.keys(), key=lambda name: (name != "run_id", name)):
            yield from _differences(stored.get(name), again.get(name), f"{where}.{name}" if where else name)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for i, (one, other) in enumerate(zip(stored, again, strict=True)):
            yield from _differences(one, other, f"{where}[{i}]")
    elif stored != again:
        yield ReplayDifference(where=where, stored=_short(stored), recomputed=_short(again))


def _short(value: object) -> str:
    text = f"{len(value)} entries" if isinstance(value, list) else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
