"""Which strategies can be run, with their parameters and, for a broken file, its error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from qts.app.errors import ErrorDocument
from qts.app.workspace import Workspace
from qts.strategies import CatalogEntry, Param


class ParamDocument(BaseModel):
    """One parameter, enough to draw a form field."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: str
    default: bool | int | float | str
    low: float | None
    high: float | None
    step: float | None
    choices: tuple[bool | int | float | str, ...]
    help: str


class StrategyDocument(BaseModel):
    """One strategy as it was found. ``error`` tells why it cannot be run; its form and parameters are unknown then.

    ``form`` is the way it says what it wants: ``targets``, ``matrix``, ``rule`` or ``on_bar``.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    title: str
    description: str
    source: str
    form: str | None
    path: str | None
    version: str
    params: dict[str, ParamDocument]
    constraint: str | None
    tags: tuple[str, ...]
    error: ErrorDocument | None


def list_strategies(workspace: Workspace) -> tuple[StrategyDocument, ...]:
    """Return all strategies, built-in ones first; a broken user file is listed with its error."""
    return tuple(_document(entry) for entry in workspace.catalog().entries)


def _document(entry: CatalogEntry) -> StrategyDocument:
    strategy = entry.strategy
    error = entry.error
    return StrategyDocument(
        id=entry.id,
        title=entry.title,
        description="" if strategy is None else strategy.description,
        source=entry.source,
        form=None if strategy is None else strategy.form.value,
        path=None if entry.path is None else str(entry.path),
        version=entry.version,
        params={} if strategy is None else {name: _param(param) for name, param in strategy.params.items()},
        constraint=strategy.constraint if strategy is not None and isinstance(strategy.constraint, str) else None,
        tags=() if strategy is None else strategy.tags,
        error=None if error is None else ErrorDocument(kind=error.kind, message=error.message, hint=error.hint, line=error.line),
    )


def _param(param: Param) -> ParamDocument:
    return ParamDocument(
        kind=param.kind,
        default=param.default,
        low=param.low,
        high=param.high,
        step=param.step,
        choices=param.choices,
        help=param.help,
    )
