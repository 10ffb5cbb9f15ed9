"""Where the simulated exchange is found, for those who need nothing else of it."""

from __future__ import annotations

from typing import Final

PORT: Final = 8511
READY_PATH: Final = "/_sandbox/ready"
