"""The user's account as the broker tells it: profile, margins, holdings, positions, orders, trades. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from qts.core import InstrumentId
from qts.core.errors import BadReply
from qts.data.kite.fields import Amount, Count, Price, Signed, Stamp, checked

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who is logged in, and what the account may trade."""

    user_id: str
    user_name: str
    exchanges: tuple[str, ...]
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Money of one segment in rupees. ``used`` has each part of what is blocked, by the broker's names."""

    enabled: bool
    net: float
    cash: float
    opening_balance: float
    collateral: float
    used: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerHolding:
    """Shares in the demat account; ``arriving`` were bought yesterday and are not there yet."""

    instrument: InstrumentId
    token: int
    isin: str
    quantity: int
    arriving: int
    average_price: float
    last_price: float
    close_price: float
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    """A position of the day or carried over. ``multiplier`` turns a price step into rupees: it is not 1 for commodities and currencies."""

    instrument: InstrumentId
    token: int
    product: str
    quantity: int
    overnight_quantity: int
    multiplier: float
    average_price: float
    last_price: float
    buy_quantity: int
    buy_value: float
    sell_quantity: int
    sell_value: float
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order of the day's book. A cancelled one may have filled in part."""

    order_id: str
    variety: str
    instrument: InstrumentId
    status: str
    side: str
    kind: str
    product: str
    quantity: int
    filled_quantity: int
    price: float
    trigger_price: float
    average_price: float
    ordered_at: datetime | None
    message: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTrade:
    """A fill of the day's book."""

    trade_id: str
    order_id: str
    instrument: InstrumentId
    side: str
    product: str
    quantity: int
    price: float
    filled_at: datetime | None


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Profile(_Model):
    user_id: str
    user_name: str = ""
    exchanges: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


class _Available(_Model):
    cash: Amount
    opening_balance: Amount = 0.0
    collateral: Amount = 0.0


class _Margins(_Model):
    enabled: bool
    net: Amount
    available: _Available
    utilised: dict[str, Amount] = Field(default_factory=dict)


class _Named(_Model):
    exchange: str = Field(min_length=1)
    tradingsymbol: str = Field(min_length=1)

    @property
    def instrument(self) -> InstrumentId:
        """Return our name of the instrument."""
        return InstrumentId(f"{self.exchange}:{self.tradingsymbol}")


class _Holding(_Named):
    instrument_token: Count
    isin: str = ""
    quantity: Count
    t1_quantity: Count = 0
    average_price: Price
    last_price: Price
    close_price: Price = 0.0
    pnl: Amount = 0.0


class _Position(_Named):
    instrument_token: Count
    product: str
    quantity: Signed
    overnight_quantity: Signed = 0
    multiplier: Price = 1.0
    average_price: Price
    last_price: Price
    buy_quantity: Count = 0
    buy_value: Amount = 0.0
    sell_quantity: Count = 0
    sell_value: Amount = 0.0
    pnl: Amount = 0.0


class _Positions(_Model):
    net: list[Any]
    day: list[Any]


class _Order(_Named):
    order_id: str = Field(min_length=1)
    variety: str = "regular"
    status: str
    transaction_type: str
    order_type: str
    product: str
    quantity: Count
    filled_quantity: Count = 0
    price: Price = 0.0
    trigger_price: Price = 0.0
    average_price: Price = 0.0
    order_timestamp: Stamp = None
    status_message: str | None = None
    tag: str | None = None


class _Trade(_Named):
    trade_id: str = Field(min_length=1)
    order_id: str
    transaction_type: str
    product: str
    quantity: Count
    average_price: Price
    fill_timestamp: Stamp = None


def read_profile(data: Any) -> Profile:  # noqa: ANN401 - parsed JSON
    """Return the profile of a reply's ``data``; raises BadReply for anything else."""
    found = checked(_Profile, data)
    return Profile(user_id=found.user_id, user_name=found.user_name, exchanges=found.exchanges, products=found.products)


def read_margins(data: Any) -> Mapping[str, Margins]:  # noqa: ANN401 - parsed JSON
    """Return the margins by segment (``equity``, ``commodity``) of a reply's ``data``; raises BadReply for anything else."""
    if not isinstance(data, dict):
        raise BadReply("it holds no table of margins")
    return {name: _margins(checked(_Margins, part)) for name, part in data.items()}


def read_holdings(data: Any) -> tuple[BrokerHolding, ...]:  # noqa: ANN401 - parsed JSON
    """Return the holdings of a reply's ``data``; raises BadReply for anything else."""
    return tuple(
        BrokerHolding(
            instrument=row.instrument,
            token=row.instrument_token,
            isin=row.isin,
            quantity=row.quantity,
            arriving=row.t1_quantity,
            average_price=row.average_price,
            last_price=row.last_price,
            close_price=row.close_price,
            pnl=row.pnl,
        )
        for row in _list(_Holding, data)
    )


def read_positions(data: Any) -> tuple[BrokerPosition, ...]:  # noqa: ANN401 - parsed JSON
    """Return the net positions of a reply's ``data``; raises BadReply for anything else."""
    return tuple(
        BrokerPosition(
            instrument=row.instrument,
            token=row.instrument_token,
            product=row.product,
            quantity=row.quantity,
            overnight_quantity=row.overnight_quantity,
            multiplier=row.multiplier,
            average_price=row.average_price,
            last_price=row.last_price,
            buy_quantity=row.buy_quantity,
            buy_value=row.buy_value,
            sell_quantity=row.sell_quantity,
            sell_value=row.sell_value,
            pnl=row.pnl,
        )
        for row in _list(_Position, checked(_Positions, data).net)
    )


def read_orders(data: Any) -> tuple[BrokerOrder, ...]:  # noqa: ANN401 - parsed JSON
    """Return the orders of a reply's ``data``; raises BadReply for anything else."""
    return tuple(
        BrokerOrder(
            order_id=row.order_id,
            variety=row.variety,
            instrument=row.instrument,
            status=row.status,
            side=row.transaction_type.lower(),
            kind=row.order_type,
            product=row.product,
            quantity=row.quantity,
            filled_quantity=row.filled_quantity,
            price=row.price,
            trigger_price=row.trigger_price,
            average_price=row.average_price,
            ordered_at=row.order_timestamp,
            message=row.status_message or "",
            tag=row.tag or "",
        )
        for row in _list(_Order, data)
    )


def read_trades(data: Any) -> tuple[BrokerTrade, ...]:  # noqa: ANN401 - parsed JSON
    """Return the fills of a reply's ``data``; raises BadReply for anything else."""
    return tuple(
        BrokerTrade(
            trade_id=row.trade_id,
            order_id=row.order_id,
            instrument=row.instrument,
            side=row.transaction_type.lower(),
            product=row.product,
            quantity=row.quantity,
            price=row.average_price,
            filled_at=row.fill_timestamp,
        )
        for row in _list(_Trade, data)
    )


def _list(model: type[M], data: Any) -> list[M]:  # noqa: ANN401 - parsed JSON
    if not isinstance(data, list):
        raise BadReply("it holds no list")
    return [checked(model, row) for row in data]


def _margins(found: _Margins) -> Margins:
    return Margins(
        enabled=found.enabled,
        net=found.net,
        cash=found.available.cash,
        opening_balance=found.available.opening_balance,
        collateral=found.available.collateral,
        used=found.utilised,
    )
