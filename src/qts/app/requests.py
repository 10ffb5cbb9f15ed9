"""What can be asked for: one model per verb, shared by the command line, the API and the pages."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from qts.core.errors import BadParameter
from qts.core.instrument import parse_instrument
from qts.core.interval import Interval, parse_interval

SIZES: Final = "shares:N, lots:N, cash:RUPEES, percent:FRACTION, atr-risk:FRACTION,span=14,multiple=2 or vol-target:FRACTION,span=20"
SLIPPAGES: Final = "none, bps:N, ticks:N, half-spread:RUPEES or volume-share:FRACTION,impact=0.1"
Prices = Literal["auto", "raw", "adjusted"]
BarPrices = Literal["auto", "raw", "adjusted", "total-return"]
ParamText = bool | int | float | str
M = TypeVar("M", bound=BaseModel)
_LIST_NAME: Final = re.compile(r"@(?:(?:index|list):)?[A-Za-z0-9][A-Za-z0-9 &._-]{0,63}")


def _instrument(value: object) -> object:
    return parse_instrument(value) if isinstance(value, str) else value


def _instruments(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return names
    if not all(isinstance(name, str) for name in names):
        return names
    parts = [name for name in names if name.strip()]
    return tuple(dict.fromkeys(_instrument(name) for name in parts))


def _traded(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        return names
    parts = [name.strip() for name in names if name.strip()]
    return tuple(dict.fromkeys(_list_name(name) if name.startswith("@") else _instrument(name) for name in parts))


def _list_name(name: str) -> str:
    if _LIST_NAME.fullmatch(name) is None:
        raise BadParameter("instruments", name, "is no name of a list", hint="Write @NIFTY50 for an index, @NAME for a watchlist.")
    return name


def _interval(value: object) -> object:
    return parse_interval(value) if isinstance(value, str) else value


def _path(value: object) -> object:
    # Path("") would be the present folder.
    if isinstance(value, str) and not value.strip():
        raise BadParameter("path", value, "names no file", hint="Name the file or folder that holds the prices.")
    return value


def _is_fraction(value: Decimal, info: ValidationInfo) -> Decimal:
    if not 0 < value < 1:
        raise BadParameter(info.field_name or "fraction", str(value), "is not between 0 and 1", hint=_FRACTION_HINT)
    return value


def _is_part(value: Decimal, info: ValidationInfo) -> Decimal:
    if not 0 < value <= _LARGEST_PART:
        raise BadParameter(info.field_name or "fraction", str(value), f"is not above 0 and at most {_LARGEST_PART}", hint=_FRACTION_HINT)
    return value


# A limit on exposure may be some times the account, and a target some times the price.
_LARGEST_PART: Final = 10
_FRACTION_HINT: Final = "Write a fraction: 0.05 is 5 %."
Fraction = Annotated[Decimal, AfterValidator(_is_fraction)]
Part = Annotated[Decimal, AfterValidator(_is_part)]
InstrumentText = Annotated[str, BeforeValidator(_instrument)]
InstrumentTexts = Annotated[tuple[str, ...], BeforeValidator(_instruments), Field(min_length=1)]
AnyTradedTexts = Annotated[tuple[str, ...], BeforeValidator(_traded)]
TradedTexts = Annotated[AnyTradedTexts, Field(min_length=1)]
IntervalName = Annotated[Interval, BeforeValidator(_interval)]


class Request(BaseModel):
    """Base of all requests: frozen, unknown fields refused, ``from``/``to`` or ``start``/``end`` taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ImportRequest(Request):
    """Files and folders to import, and how to read them."""

    paths: tuple[Annotated[Path, BeforeValidator(_path)], ...] = Field(min_length=1, description="Files and folders to read.")
    format: str = Field(default="auto", description="Layout of the files; auto finds it.")
    interval: IntervalName | None = Field(default=None, description="Length of the bars; found from the stamps when absent.")
    exchange: str = Field(default="NSE", description="Exchange of symbols that do not name one.")
    symbol: str | None = Field(default=None, description="Symbol of a file that does not hold one.")
    adjusted: bool | None = Field(default=None, description="Whether the prices are adjusted for splits; found from the ticks when absent.")
    mapping: dict[str, str] = Field(default_factory=dict, description="Our column name to the file's.")


class BarsRequest(Request):
    """Bars of one instrument."""

    instrument: InstrumentText = Field(description="Instrument, as EXCHANGE:SYMBOL.")
    interval: IntervalName = Field(default=Interval.DAY, description="Length of the bars.")
    start: date | None = Field(default=None, alias="from", description="First date in India; from the beginning when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date in India, included; to the end when absent.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")
    prices: BarPrices = Field(
        default="auto",
        description="Price basis: adjusted where it is held for the span and raw otherwise, or the one named; total-return puts "
        "dividends back. Adjusted prices that are not held are made of raw ones and the confirmed corporate actions.",
    )
    adjusted_to: date | None = Field(
        default=None, description="Make adjusted prices as they were seen on this day, which is the last one shown; today when absent."
    )


class SqlRequest(Request):
    """A query over the stored bars."""

    sql: str = Field(min_length=1, description="One statement that reads from the views `bars` and `series`.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")
    max_rows: int = Field(default=1_000, ge=1, le=5_000_000, description="Most rows of the answer.")
    seconds: float | None = Field(default=None, gt=0, le=3600, description="After how many seconds it is stopped.")


class CalendarRequest(Request):
    """Sessions of an exchange over a span of dates."""

    exchange: str = Field(default="NSE", description="Exchange.")
    segment: Literal["cash", "fo", "currency", "commodity"] = Field(
        default="cash",
        description="Segment of NSE or BSE: cash, fo (futures and options), currency or commodity; other exchanges have one.",
    )
    start: date | None = Field(default=None, alias="from", description="First date; today when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date, included; thirty days after the first when absent.")


class OrderCostsRequest(Request):
    """One order to price, or with ``round_trip`` an order and the one that closes it."""

    on: date | None = Field(default=None, description="Trade date; today when absent.")
    exchange: str = Field(default="NSE", description="Exchange; NSE and BSE also stand for those of their contracts.")
    segment: str = Field(default="equity_delivery", description="Segment, such as equity_delivery, equity_futures or commodity_options.")
    side: Literal["buy", "sell"] = Field(default="buy", description="Side of the order.")
    quantity: Decimal = Field(default=Decimal(100), gt=0, description="Quantity of the order, in shares or units of the underlying.")
    price: Decimal = Field(default=Decimal(1000), ge=0, description="Price of the order in rupees; of an option its premium.")
    mode: str = Field(default="contract_note", description="Rounding: exact, contract_note, calculator, api or api_margins.")
    stt_class: str = Field(default="share", description="For shares and funds: share, equity_etf or other_etf.")
    group: str = Field(default="", description="Group of a share at BSE, such as A or X.")
    underlying: str = Field(default="", description="Underlying of a contract, such as SENSEX or KAPAS, where rates depend on it.")
    slices: int = Field(default=1, ge=1, description="Number of orders that the freeze quantity cuts this one into.")
    auto_square_off: bool = Field(default=False, description="Whether the broker placed the (closing) order itself.")
    settlement: str | None = Field(
        default=None, description="How the contract ended instead of a (closing) trade: expired, exercised, assigned, delivered or netted."
    )
    settlement_price: Decimal | None = Field(
        default=None, ge=0, description="Settlement price of the underlying; needed for options exercised before 2019-09-01."
    )
    round_trip: bool = Field(default=False, description="Whether the order is closed by a second one, which is priced too.")
    exit_price: Decimal | None = Field(default=None, ge=0, description="Price of the closing order; that of the first when absent.")
    exit_on: date | None = Field(
        default=None,
        description="Date of the closing order; when absent the rates of the first hold, and delivery is closed on a later day.",
    )


class CostsRequest(OrderCostsRequest):
    """One order to price, or a file of examples with orders."""

    file: Path | None = Field(default=None, description="JSON file of examples to price instead of one order.")


class BacktestRequest(Request):
    """A backtest; what is absent comes from the settings."""

    strategy: str = Field(min_length=1, description="Id of a strategy, or a path to its file.")
    instruments: TradedTexts = Field(
        description="Instruments to trade, as EXCHANGE:SYMBOL; @NAME for the members of an index or a watchlist."
    )
    interval: IntervalName = Field(default=Interval.DAY, description="Length of the bars.")
    start: date | None = Field(default=None, alias="from", description="First date in India; from the beginning when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date in India, included; to the end when absent.")
    params: dict[str, ParamText] = Field(default_factory=dict, description="Parameters of the strategy; its defaults otherwise.")
    capital: Decimal | None = Field(default=None, gt=0, description="Rupees to start with.")
    product: Literal["CNC", "MIS", "NRML"] | None = Field(
        default=None, description="Delivery (CNC) or intraday (MIS) for shares; futures and options held (NRML) or intraday (MIS)."
    )
    size: str | None = Field(default=None, description=f"Sizing: {SIZES}.")
    costs: str | None = Field(
        default=None,
        description="Costs: zerodha, zerodha,square-off-fee (the broker takes a fee for closing intraday positions itself), none, "
        "percent:FRACTION or per-share:RUPEES,min=RUPEES.",
    )
    slippage: str | None = Field(default=None, description=f"Slippage: {SLIPPAGES}.")
    fill: Literal["next_open", "close"] | None = Field(default=None, description="Fill at the next open, or (optimistic) at the close.")
    fractional: bool = Field(default=False, description="Whether parts of a share may be traded.")
    close_at_end: bool = Field(default=False, description="Whether open positions are closed at the last close.")
    fill_interval: IntervalName | None = Field(
        default=None, description="Length of shorter bars on which orders fill, while decisions are made on those of the interval."
    )
    stop_loss: Fraction | None = Field(default=None, description="Fraction below (for a short above) the entry at which a stop closes.")
    take_profit: Part | None = Field(default=None, description="Fraction above (for a short below) the entry at which a limit closes.")
    trailing_stop: Fraction | None = Field(default=None, description="Fraction of the best price at which a following stop closes.")
    max_position: Part | None = Field(default=None, description="Largest position in one instrument, as a fraction of equity.")
    max_exposure: Part | None = Field(default=None, description="Largest sum of all positions, as a fraction of equity.")
    daily_loss: Fraction | None = Field(default=None, description="Loss of a day, as a fraction of its first equity, that ends the day.")
    max_drawdown: Fraction | None = Field(default=None, description="Loss from the highest equity, as a fraction, that ends the run.")
    rebalance: bool | None = Field(
        default=None,
        description="Whether a target said again brings a position back to its size, as always where a strategy weighs all at once.",
    )
    lot: int | None = Field(default=None, ge=1, description="Lot of the contracts whose lot is not on record.")
    ticks: bool | None = Field(
        default=None, description="Whether fills are on the exchange's ticks; when absent, where prices are as traded and not adjusted."
    )
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")
    prices: Prices = Field(
        default="auto", description="Price basis: adjusted where it is held for the span and raw otherwise, or the one named."
    )
    equity: bool = Field(default=False, description="Whether the answer holds the equity curve.")


def build(model: type[M], **values: object) -> M:
    """Return a request made of these values; a value that does not fit becomes an :class:`InputError`.

    Raises
    ------
    BadParameter
        Naming the first field that does not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise bad_parameter(error) from error


def bad_parameter(error: ValidationError) -> BadParameter:
    """Return the first finding of a validation as the error a person reads."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "request"
    if first["type"] == "missing":  # what was given in its place is the whole request
        return BadParameter(name, "", "is needed, and was not given", hint=f"Give {name}.")
    return BadParameter(name, first.get("input"), first["msg"].rstrip("."))
