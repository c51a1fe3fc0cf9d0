"""Where a daemon tells its health and its metrics."""

from __future__ import annotations

from pydantic import Field

from pumpd.config_section import Section
from pumpd.fields import Whole


class OperationSection(Section):
    """Where the daemon answers /healthz, /readyz and /metrics."""

    host: str = Field(
        default="127.0.0.1",
        description="the address to listen on; a loopback address",
        examples=["127.0.0.1"],
    )
    port: Whole = Field(
        default=0,
        ge=0,
        le=65535,
        description="a TCP port, 1 to 65535; 0 serves nothing",
        examples=[9108],
    )
