"""The dashboard's part of ``pumpd.yaml``: where it listens, what it shows browsers, when sign-ins end."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pumpd.config_section import Section
from pumpd.fields import TopicId, Whole

HostName = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$",
        description="a host name or an address, without a port",
        examples=["ward.example"],
    ),
]


class SessionsSection(Section):
    """When a sign-in ends; the defaults are those of NIST SP 800-63B."""

    idle_min: Whole = Field(
        default=15,
        ge=1,
        le=60,
        description="minutes without anything done after which rights end, 1 to 60",
        examples=[15],
    )
    longest_h: Whole = Field(
        default=12,
        ge=1,
        le=24,
        description="hours after which rights end in any case, 1 to 24",
        examples=[12],
    )
    picture_days: Whole = Field(
        default=30,
        ge=1,
        le=90,
        description="days for which the page still shows its picture, without rights, 1 to 90",
        examples=[30],
    )


class DashboardSection(Section):
    """Where the dashboard listens."""

    id: TopicId = Field(
        default="dashboard", description="the dashboard's name in topics", examples=["dashboard"]
    )
    host: str = Field(
        default="127.0.0.1",
        description="the address to listen on; one that others reach needs certificate_file and names",
        examples=["127.0.0.1"],
    )
    port: Whole = Field(default=8080, ge=1, le=65535, description="a TCP port, 1 to 65535", examples=[8080])
    key_file: str = Field(
        default="",
        description="the private key that commands are signed with, readable by its owner only; empty: one in"
        " data_dir, made at the first start",
        examples=["dashboard.key"],
    )
    proxy: str = Field(
        default="",
        max_length=200,
        description="the address of a proxy in front that is believed when it says who asks; empty for none",
        examples=["127.0.0.1"],
    )
    certificate_file: str = Field(
        default="",
        description="the certificate that is shown to browsers, and those between it and its authority;"
        " empty: pages are served in the clear",
        examples=["dashboard.pem"],
    )
    certificate_key_file: str = Field(
        default="",
        description="the private key of that certificate, readable by its owner only",
        examples=["dashboard-tls.key"],
    )
    names: tuple[HostName, ...] = Field(
        default=(),
        description="a list of the host names and addresses that the page is opened under, besides this"
        " machine's own; for TLS here or a proxy",
        examples=["[ward.example]"],
    )
    sessions: SessionsSection = Field(default_factory=SessionsSection, description="when a sign-in ends")
