"""The framed drivers that ship, by the name on their card."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pumpd.drivers import alaris, bcc, fresenius, harvard, neurowave, new_era, zyno
from pumpd.drivers.framed import Framed

FRAMED: Final[Mapping[str, Framed]] = MappingProxyType(
    {
        "alaris": alaris.FRAMED,
        "bbraun-bcc": bcc.FRAMED,
        "fresenius-base": fresenius.FRAMED_BASE,
        "fresenius-pilot": fresenius.FRAMED_PILOT,
        "harvard-elite": harvard.FRAMED_ELITE,
        "harvard-ultra": harvard.FRAMED_ULTRA,
        "neurowave-ap4000": neurowave.FRAMED,
        "new-era": new_era.FRAMED,
        "zyno-miva": zyno.FRAMED_MIVA,
        "zyno-nimbus-h": zyno.FRAMED_NIMBUS_H,
    }
)
