"""What may be asked of a daemon. There is no verb that starts a pump or raises a rate."""

from __future__ import annotations

from collections.abc import Mapping

from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    ObservePayload,
    SwapPayload,
    TransferPayload,
)
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import AcknowledgePayload, PausePumpPayload
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.contract.quieting import (
    AcceptPayload,
    OffLinePayload,
    PauseAudioPayload,
    ResumeAudioPayload,
    ShelvePayload,
    TestChannelPayload,
    UnshelvePayload,
)

VERBS: Mapping[str, type[CommandPayload]] = {
    "acknowledge": AcknowledgePayload,
    "pause-audio": PauseAudioPayload,
    "resume-audio": ResumeAudioPayload,
    "shelve": ShelvePayload,
    "unshelve": UnshelvePayload,
    "accept": AcceptPayload,
    "off-line": OffLinePayload,
    "test-channel": TestChannelPayload,
    "exchange-ports": ExchangePortsPayload,
    "pause-pump": PausePumpPayload,
    "begin": BeginPayload,
    "change": ChangePayload,
    "observe": ObservePayload,
    "end": EndPayload,
    "swap": SwapPayload,
    "transfer": TransferPayload,
}
"""The last part of a command's topic, and what it says."""
