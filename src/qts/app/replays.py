"""Compute a stored run again, from its own source text and snapshot, and compare it byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from qts.app.requests import BacktestRequest, build
from qts.app.run_building import build_curves, build_document, build_events
from qts.app.run_document import RunDocument
from qts.app.run_files import CURVES_NAME, DOCUMENT_NAME, EVENTS_NAME, SOURCE_NAME, RunFiles, harms, read_list
from qts.app.run_planning import compute, plan_entry, source_of, stored_entry
from qts.app.run_store import KeptRun, document_bytes, save_run
from qts.app.workspace import Workspace
from qts.core.discovery import load_file
from qts.core.errors import DamagedFile, PluginError, UnknownStrategy
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
    """A run as it is found, right or wrong: ``harm`` says by name what is known to be wrong, ``listed`` what the files must be."""

    content: bytes
    document: RunDocument
    curves: pa.Table | None
    events: pa.Table | None
    source: str
    harm: Mapping[str, str]
    listed: RunFiles | None


def replay(workspace: Workspace, run_id: str) -> ReplayDocument:
    """Return whether recomputing a run from its stored source, settings and snapshot gives the same bytes.

    Files of the run that are not what was written are differences; where the recomputed run shows by its hash that it is the one that was
    kept, they are put right.

    Raises
    ------
    UnknownRun
        If there is no such run.
    DamagedFile
        If its document or source cannot be read at all.
    """
    stored = _read(workspace, run_id)
    entry, notes = _entry(workspace, stored)
    plan = plan_entry(workspace, _request(stored.document), entry, source=stored.source, stored=stored.document)
    finished = compute(plan)
    again = build_document(finished)
    content = document_bytes(again)
    curves, events = build_curves(finished), build_events(finished)
    differences = list(_differences(json.loads(stored.content), json.loads(content), ""))
    differences += _differing_files(stored, curves, events)
    identical = content == stored.content and not differences
    if (identical and stored.listed is None) or (stored.harm and _is_what_was_written(stored, content)):
        saved = save_run(workspace.settings.runs_folder, again, curves=curves, events=events, source=stored.source)
        workspace.control.seal(run_id, saved.seal)
        notes += [f"{name} was not what was written ({reason}); it is now." for name, reason in stored.harm.items()]
        notes += [] if stored.harm else ["Its files were kept without hashes; they have them now."]
    if stored.document.engine != plan.engine:
        was, now = stored.document.engine, plan.engine
        notes.append(
            f"Engine and cost schedule were {was.version} and {was.cost_schedule}; now they are {now.version} and {now.cost_schedule}."
        )
    return ReplayDocument(run_id=run_id, identical=identical, differences=tuple(differences[:_MAX_DIFFERENCES]), notes=tuple(notes))


def _read(workspace: Workspace, run_id: str) -> _Stored:
    folder = workspace.settings.runs_folder
    seal = workspace.control.seal_of(run_id)
    kept = KeptRun(folder, run_id, seal=seal)
    content = kept.as_found(DOCUMENT_NAME)
    try:
        listed = read_list(folder / run_id, run_id, seal)
    except DamagedFile:
        listed = None
    return _Stored(
        content=content,
        document=kept.parsed(content),
        curves=_sound(kept.curves),
        events=_sound(kept.events),
        source=kept.decoded(kept.as_found(SOURCE_NAME)),
        harm={found.path.rpartition("/")[2]: found.reason for found in harms(folder / run_id, run_id, seal)},
        listed=listed,
    )


def _sound(read: Callable[[], pa.Table]) -> pa.Table | None:
    try:
        return read()
    except DamagedFile:
        return None


def _differing_files(stored: _Stored, curves: pa.Table, events: pa.Table) -> Iterator[ReplayDifference]:
    found = {name: ReplayDifference(where=name, stored=reason, recomputed="as it must be") for name, reason in stored.harm.items()}
    for name, one, other in ((CURVES_NAME, stored.curves, curves), (EVENTS_NAME, stored.events, events)):
        if one is None or not one.equals(other):
            found.setdefault(name, ReplayDifference(where=name, stored="as kept", recomputed="other values"))
    # What is wrong with the document is told by its parts.
    yield from (difference for name, difference in found.items() if name != DOCUMENT_NAME)


def _is_what_was_written(stored: _Stored, content: bytes) -> bool:
    """Return whether recomputed bytes are those of the run that was kept: by their hash, or by the bytes where there is none."""
    if stored.listed is None:
        return content == stored.content
    is_same_source = not stored.listed.harm(SOURCE_NAME, stored.source.encode())
    return is_same_source and not stored.listed.harm(DOCUMENT_NAME, content)


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
