"""How much room on the disk is kept free: what is not begun there cannot fail half-way, and the machine goes on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from qts.core.errors import StoreFull


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """So many bytes, but never more than a share of the disk: a small disk may be used too."""

    n_bytes: int = 64 << 20
    share: float = 0.05

    def require(self, *folders: Path) -> None:
        """Raise if less than the reserve is free on the disk of one of these folders; one that is not there yet is passed over.

        Raises
        ------
        StoreFull
            Naming what is free and what is kept.
        """
        for folder in folders:
            if not folder.exists():
                continue
            usage = shutil.disk_usage(folder)
            kept = min(self.n_bytes, int(usage.total * self.share))
            if usage.free < kept:
                raise StoreFull(str(folder), free=usage.free, kept=kept)
