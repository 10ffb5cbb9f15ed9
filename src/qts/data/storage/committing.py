"""How a commit gets in among others: built beside them on what was live, checked and swapped in one transaction, or built again."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from qts.data.storage.records import Commit
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.ledger import Base, Ledger
    from qts.data.storage.manifest import Manifest

_TRIES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A commit whose files stand under their final names.

    ``n_healed`` damaged files were mended on the way; ``n_waiting`` bars wait until the lost file that they are of can be.
    """

    commit: Commit
    n_healed: int = 0
    n_waiting: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether it changes nothing."""
        return not (self.commit.drafts or self.commit.ended)

    @property
    def n_written(self) -> int:
        """Return how many files were written."""
        return sum(draft.temporary is not None for draft in self.commit.drafts) + self.n_healed


class Change(Protocol):
    """Anything that makes a commit out of the live files that it stands on."""

    def base(self, ledger: Ledger) -> Base:
        """Return those files."""
        ...

    def is_same(self, seen: Base, now: Base) -> bool:
        """Return whether what was built on ``seen`` is right on ``now``."""
        ...

    def prepared(self, base: Base) -> AbstractContextManager[Prepared]:
        """Yield the commit; its temporary files are gone afterwards."""
        ...


def commit(change: Change, manifest: Manifest, vault: Vault) -> tuple[Prepared, str]:
    """Carry out a change and return what it came to and the id of the state after it; a change of nothing makes no snapshot."""
    for _ in range(_TRIES):
        with manifest.reading() as ledger:
            seen = change.base(ledger)
        with change.prepared(seen) as prepared:
            if prepared.is_empty:
                with manifest.reading() as ledger:
                    return prepared, ledger.snapshot()[1]
            with manifest.writing() as ledger:
                if change.is_same(seen, change.base(ledger)) and vault.has_all(prepared.commit.drafts):
                    return prepared, ledger.record(prepared.commit)
    # Others were faster every time: build once more while they wait.
    with manifest.writing() as ledger, change.prepared(change.base(ledger)) as prepared:
        return prepared, ledger.snapshot()[1] if prepared.is_empty else ledger.record(prepared.commit)
