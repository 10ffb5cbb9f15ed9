"""The compiled twin of ``pair.fetch``: the processor's own instruction to bring a line of memory near, which no array function offers."""

from __future__ import annotations

import importlib
from typing import Any, Final

import numba
import numba.extending

from qts.kernels import pair

# The compiler's own tools, which have no types.
_IR: Final[Any] = importlib.import_module("llvmlite.ir")
_CGUTILS: Final[Any] = importlib.import_module("numba.core.cgutils")
# What the instruction is told: to read, to keep it near, and that it is data.
_READ, _NEAR, _DATA = 0, 3, 1


def _prefetch(context: Any, column: Any, i: Any) -> Any:  # noqa: ANN401 - the compiler's objects are untyped
    """Return type and code of the instruction; it takes any address, also one behind the end."""
    del context

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        place = _CGUTILS.get_item_pointer(target, builder, signature.args[0], array, [arguments[1]], wraparound=False)
        address, flag = _IR.IntType(8).as_pointer(), _IR.IntType(32)
        kind = _IR.FunctionType(_IR.VoidType(), [address, flag, flag, flag])
        instruction = _CGUTILS.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(instruction, [builder.bitcast(place, address), flag(_READ), flag(_NEAR), flag(_DATA)])
        return target.get_dummy_value()

    return numba.types.void(column, i), generate


_INTRINSIC: Final[Any] = numba.extending.intrinsic(_prefetch)


@numba.extending.overload(pair.fetch, inline="always")
def _fetch(column: Any, i: Any) -> Any:  # noqa: ANN401, ARG001 - the compiler wants the names
    def fetch(column: Any, i: Any) -> None:  # noqa: ANN401
        _INTRINSIC(column, i)

    return fetch
