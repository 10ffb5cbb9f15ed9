"""The cast of the simulated market: companies that do not exist, and how their shares behave.

Names are made of syllables that no company uses; a test compares them with real listings. The figures are choices that
make the prices look like large Indian shares. They are not fitted to any instrument, and not tuned to any strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One invented share.

    ``price`` is the first close in rupees, after any split; ``beta`` its sensitivity to the whole market; ``own_volatility``
    the yearly volatility of what is its own alone; ``volume`` the shares traded on a usual day.
    """

    symbol: str
    name: str
    sector: str
    price: float
    beta: float
    own_volatility: float
    volume: float


SPLIT_SYMBOL: Final = "HULMEXDATA"
SPLIT_FACTOR: Final = 5


def _role(symbol: str, name: str, sector: str, figures: tuple[float, float, float, float]) -> Role:
    price, beta, own_volatility, volume = figures
    return Role(symbol=symbol, name=name, sector=sector, price=price, beta=beta, own_volatility=own_volatility, volume=volume)


CAST: Final = (
    _role("ZORVINBANK", "Zorvin Bank", "Finance", (1480.0, 1.10, 0.16, 9_000_000)),
    _role("OSNIRABANK", "Osnira Bank", "Finance", (265.0, 1.30, 0.20, 16_000_000)),
    _role("QUILMAFIN", "Quilma Finance", "Finance", (6150.0, 1.35, 0.23, 1_200_000)),
    _role("TARVEKINS", "Tarvek Insurance", "Finance", (720.0, 0.85, 0.18, 2_600_000)),
    _role("BELQUOSOFT", "Belquo Software", "Technology", (1720.0, 0.80, 0.19, 5_500_000)),
    _role("YANTHORTEC", "Yanthor Technologies", "Technology", (3480.0, 0.75, 0.17, 2_100_000)),
    _role("HULMEXDATA", "Hulmex Data", "Technology", (410.0, 0.95, 0.27, 4_200_000)),
    _role("PRUXLAOIL", "Pruxla Oil", "Energy", (2390.0, 1.00, 0.16, 7_000_000)),
    _role("DRUVONPOW", "Druvon Power", "Energy", (148.0, 0.80, 0.20, 21_000_000)),
    _role("KEZALGAS", "Kezal Gas", "Energy", (545.0, 0.70, 0.22, 1_900_000)),
    _role("GLUNTOSTEEL", "Glunto Steel", "Materials", (118.0, 1.45, 0.26, 34_000_000)),
    _role("UBRIXCEM", "Ubrix Cement", "Materials", (7450.0, 0.95, 0.19, 350_000)),
    _role("VIRDOXCHEM", "Virdox Chemicals", "Materials", (880.0, 0.90, 0.25, 1_400_000)),
    _role("FENWOKFOOD", "Fenwok Foods", "Consumer", (2210.0, 0.55, 0.15, 1_300_000)),
    _role("JALTIPCARE", "Jaltip Care", "Consumer", (515.0, 0.50, 0.17, 3_100_000)),
    _role("NUMBEXAUTO", "Numbex Auto", "Consumer", (940.0, 1.15, 0.21, 4_700_000)),
    _role("LORQUISTORE", "Lorqui Stores", "Consumer", (3650.0, 0.90, 0.24, 600_000)),
    _role("CYLVAPHARM", "Cylva Pharma", "Health", (1190.0, 0.60, 0.19, 2_400_000)),
    _role("ERUNIDRUG", "Erunid Drugs", "Health", (640.0, 0.65, 0.22, 1_700_000)),
    _role("WISTURHOSP", "Wistur Hospitals", "Health", (305.0, 0.70, 0.24, 1_100_000)),
)
