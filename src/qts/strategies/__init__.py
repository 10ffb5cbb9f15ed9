"""Strategies: the contract, the catalogue and the built-in library."""

from qts.strategies.base import Form, OnBar, Strategy, read_only
from qts.strategies.catalog import BUILT_IN, Catalog, CatalogEntry, load_catalog
from qts.strategies.context import Context, InstrumentContext, OrderHandle
from qts.strategies.higher import HigherBars, higher_bars
from qts.strategies.orders import Desk, Holding, Money, OrderReport, OrderRequest, OrderState
from qts.strategies.panel import Panel, panel_of
from qts.strategies.params import Param, ParamKind, ParamValue
from qts.strategies.rule import Rule
from qts.strategies.session_time import SessionTime, session_time
from qts.strategies.term_values import values_of
from qts.strategies.terms import Arithmetic, Column, Combination, Comparison, Condition, Const, Indicator, Lag, Ref, Term

__all__ = [
    "BUILT_IN",
    "Arithmetic",
    "Catalog",
    "CatalogEntry",
    "Column",
    "Combination",
    "Comparison",
    "Condition",
    "Const",
    "Context",
    "Desk",
    "Form",
    "HigherBars",
    "Holding",
    "Indicator",
    "InstrumentContext",
    "Lag",
    "Money",
    "OnBar",
    "OrderHandle",
    "OrderReport",
    "OrderRequest",
    "OrderState",
    "Panel",
    "Param",
    "ParamKind",
    "ParamValue",
    "Ref",
    "Rule",
    "SessionTime",
    "Strategy",
    "Term",
    "higher_bars",
    "load_catalog",
    "panel_of",
    "read_only",
    "session_time",
    "values_of",
]
