"""A simulated exchange that speaks Kite Connect's protocols, for trying things out and for proving that the adapter copes.

It is an independent witness: it shares no code with the adapter that talks to it.
"""

from qts.sandbox.accounts import Accounts, App
from qts.sandbox.arrivals import Arrival, Meter
from qts.sandbox.clock import VirtualClock
from qts.sandbox.exchange import Sandbox
from qts.sandbox.faults import Fault, FaultPlan
from qts.sandbox.listing import Listed, Market
from qts.sandbox.server import create_sandbox

__all__ = [
    "Accounts",
    "App",
    "Arrival",
    "Fault",
    "FaultPlan",
    "Listed",
    "Market",
    "Meter",
    "Sandbox",
    "VirtualClock",
    "create_sandbox",
]
