"""Instruments by date: what brokers listed, under which names, lots and ticks; indices and their members; a person's own lists."""

from qts.data.instruments.dump import Dump, RejectedRow, date_in_name, parse_dump, read_dump
from qts.data.instruments.listing import DumpRow, Listing, ListingKind
from qts.data.instruments.master import DumpInfo, InstrumentMaster, LoadReport
from qts.data.instruments.membership import IndexInfo, IndexMember, IndexMembership, Members, index_key, read_members
from qts.data.instruments.renames import ChangeState, SymbolChange, SymbolChanges, read_renames
from qts.data.instruments.search import Hit, SearchIndex
from qts.data.instruments.watchlists import MAX_ITEMS, MAX_LISTS, Watchlist, Watchlists

__all__ = [
    "MAX_ITEMS",
    "MAX_LISTS",
    "ChangeState",
    "Dump",
    "DumpInfo",
    "DumpRow",
    "Hit",
    "IndexInfo",
    "IndexMember",
    "IndexMembership",
    "InstrumentMaster",
    "Listing",
    "ListingKind",
    "LoadReport",
    "Members",
    "RejectedRow",
    "SearchIndex",
    "SymbolChange",
    "SymbolChanges",
    "Watchlist",
    "Watchlists",
    "date_in_name",
    "index_key",
    "parse_dump",
    "read_dump",
    "read_members",
    "read_renames",
]
