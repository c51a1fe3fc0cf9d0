"""Who may ask this daemon for what: a dashboard by its key, a person by role, a pump by its ward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pumpd.contract.envelope import SignedPayload
from pumpd.contract.parts import CommandPayload
from pumpd.contract.roles import MAY_ASK, Role
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.seams import Ward
from pumpd.signing import VerifyingKey

EVERY_ROLE = frozenset().union(*MAY_ASK.values())


class NotAllowedError(Exception):
    """Why a command is not taken, in words."""


@dataclass(frozen=True, slots=True)
class TrustedDashboard:
    """A dashboard that this daemon listens to."""

    id: str
    keys: tuple[VerifyingKey, ...]
    """Two while one takes the other's place."""
    roles: frozenset[Role] = EVERY_ROLE
    """For whom it may speak: what stands in a ward needs no engineer."""
    wards: frozenset[str] = frozenset()
    """Whose pumps it may speak of; empty: all."""


class Permission:
    """Judges commands; whom it trusts can be changed while the daemon runs."""

    def __init__(self, dashboards: Iterable[TrustedDashboard]) -> None:
        self._by_key: Mapping[str, tuple[TrustedDashboard, VerifyingKey]] = {}
        self.trust(dashboards)

    def trust(self, dashboards: Iterable[TrustedDashboard]) -> None:
        """From here on listen to these and to no others."""
        self._by_key = {key.id: (each, key) for each in dashboards for key in each.keys}

    @property
    def known(self) -> tuple[str, ...]:
        """``dashboard key`` of each that is listened to."""
        return tuple(f"{each.id} {key_id}" for key_id, (each, _) in self._by_key.items())

    def signer(self, topic: str, envelope: SignedPayload) -> TrustedDashboard:
        """Return which dashboard signed this command for this topic; NotAllowedError when none did."""
        found = self._by_key.get(envelope.key)
        if found is None and not self._by_key:
            raise NotAllowedError("this daemon listens to no dashboard now; its log says why")
        if found is None:
            raise NotAllowedError(f"signed with key {envelope.key}, which this daemon does not know")
        dashboard, key = found
        if not key.signed(topic, envelope):
            raise NotAllowedError("its signature does not hold: it was altered, or is not for this topic")
        return dashboard

    @staticmethod
    def allow(dashboard: TrustedDashboard, verb: str, command: CommandPayload, ward: Ward) -> None:
        """NotAllowedError unless this dashboard may ask this for this person, of this pump."""
        if command.dashboard != dashboard.id:
            raise NotAllowedError(f"signed by {dashboard.id}, but it says that {command.dashboard} asks")
        role = command.role
        if role not in MAY_ASK.get(verb, frozenset()):
            raise NotAllowedError(f"{verb} is not for the role {role.value}")
        if role not in dashboard.roles:
            raise NotAllowedError(f"the dashboard {dashboard.id} may not speak for the role {role.value}")
        for wards, whose in ((dashboard.wards, dashboard.id), (frozenset(command.wards), command.user)):
            _within(wards, whose, command, ward)


def _within(wards: frozenset[str], whose: str, command: CommandPayload, ward: Ward) -> None:
    if not wards:
        return
    about = list(_pumps(command))
    if about:
        for pump, channel in about:
            live = ward.pumps.get((pump, channel))
            if live is not None and live.place.ward not in wards:
                raise NotAllowedError(
                    f"{pump} is in the ward {live.place.ward or '(none)'}, which is not of {whose}"
                )
    elif not any(live.place.ward in wards for live in ward.pumps.values()):
        # What concerns the node concerns every ward that it watches.
        raise NotAllowedError(f"{ward.node} watches no ward of {whose}")


def _pumps(command: CommandPayload) -> Iterator[tuple[PumpId, ChannelId]]:
    for pump, channel in (("pump", "channel"), ("to_pump", "to_channel")):
        named = getattr(command, pump, None)
        if named is not None:
            yield PumpId(named), ChannelId(getattr(command, channel))
