"""The kinds of values in the broker's JSON, each with what it may be."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from qts.core import IST, LARGEST_PRICE
from qts.core.errors import BadReply

M = TypeVar("M", bound=BaseModel)
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_LARGEST_COUNT: Final = 2**53


def _stamp(value: object) -> object:
    """Read a stamp without a zone as India's; the year 1, which stands for never, as None."""
    if value is None or value == "":
        return None
    at = datetime.strptime(str(value), _FORM).replace(tzinfo=IST)
    return None if at.year == 1 else at


Price = Annotated[float, Field(ge=0, le=LARGEST_PRICE, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=-LARGEST_PRICE, le=LARGEST_PRICE, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=_LARGEST_COUNT)]
Signed = Annotated[int, Field(ge=-_LARGEST_COUNT, le=_LARGEST_COUNT)]
Stamp = Annotated[datetime | None, BeforeValidator(_stamp)]


def checked(model: type[M], value: Any) -> M:  # noqa: ANN401 - parsed JSON
    """Return a value as the model it should be.

    Raises
    ------
    BadReply
        Naming the first field that does not fit; the value itself is not repeated, as it may be personal.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadReply(f"{where}: {first['msg'].lower().rstrip('.')}") from None
