"""What is stored: every series with its span, its holes against the calendar, and its quality."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from qts.app.bars import is_simulated
from qts.app.quality import Evidence, evidence
from qts.app.workspace import Workspace
from qts.core.clock import instant_of
from qts.data.quality import StoredScore
from qts.data.storage import SeriesInfo


class SeriesDocument(BaseModel):
    """One stored series.

    ``first`` and ``last`` are the instants of its bars in IST. ``missing`` counts sessions between them without any bar. ``quality`` is
    its score, 0 to 100, where it was judged since it last changed (``is_judged``: ``qts quality`` does that), else the share of the
    expected bars that is held: what the score is before a bar is looked at. Both are None where no calendar is on record.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    instrument: str
    interval: str
    prices: str
    first: str
    last: str
    bars: int
    missing: int | None
    quality: float | None
    simulated: bool
    sources: tuple[str, ...]
    last_close: float
    is_judged: bool = False


def list_series(workspace: Workspace, *, as_of: str | None = None) -> tuple[SeriesDocument, ...]:
    """Return every stored series, by instrument, interval and price basis, without reading a bar."""
    known = evidence(workspace, as_of=as_of)
    scores = workspace.scores.all()
    return tuple(_document(info, known, scores.get(key)) for key, info in known.days.infos.items())


def _document(info: SeriesInfo, known: Evidence, stored: StoredScore | None) -> SeriesDocument:
    tally = known.days.tally(info.key)
    is_judged = stored is not None and stored.fingerprint == known.fingerprint(info.key)
    share = None if tally is None else tally.share
    return SeriesDocument(
        instrument=info.key.instrument,
        interval=info.key.interval.value,
        prices=info.key.basis.value,
        first=instant_of(info.first_ts).isoformat(),
        last=instant_of(info.last_ts).isoformat(),
        bars=info.n_bars,
        missing=None if share is None or tally is None else tally.n_missing,
        quality=stored.score if is_judged and stored is not None else share,
        simulated=is_simulated(info),
        sources=info.sources,
        last_close=info.last_close,
        is_judged=is_judged,
    )
