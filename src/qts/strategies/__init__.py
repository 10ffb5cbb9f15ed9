"""Strategies: the contract, the catalogue and the built-in library."""

from qts.strategies.base import Strategy, read_only
from qts.strategies.catalog import BUILT_IN, Catalog, CatalogEntry, load_catalog
from qts.strategies.params import Param, ParamKind, ParamValue
from qts.strategies.rule import Column, Combination, Comparison, Condition, Const, Indicator, Ref, Rule, Term

__all__ = [
    "BUILT_IN",
    "Catalog",
    "CatalogEntry",
    "Column",
    "Combination",
    "Comparison",
    "Condition",
    "Const",
    "Indicator",
    "Param",
    "ParamKind",
    "ParamValue",
    "Ref",
    "Rule",
    "Strategy",
    "Term",
    "load_catalog",
    "read_only",
]
