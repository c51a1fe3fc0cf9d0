"""The dashboards that a configuration trusts, with their keys."""

from __future__ import annotations

import structlog

from pumpd.config import Config
from pumpd.daemon.permission import EVERY_ROLE, TrustedDashboard
from pumpd.key_files import KeyPlaceError, own_public
from pumpd.signing import VerifyingKey

_log = structlog.get_logger("pumpd.trusted")


def trusted_at_start(config: Config) -> tuple[TrustedDashboard, ...]:
    """Return them; none, and say so, where the disk does not let the key be made or read.

    Watching and alarms need no dashboard: a disk that is full or away must not keep them from starting.
    """
    try:
        return trusted_of(config)
    except KeyPlaceError as error:
        first = error.problems[0]
        _log.error(
            "no dashboard is listened to; tried again until one is", reason=first.what, remedy=first.remedy
        )
        return ()


def trusted_of(config: Config) -> tuple[TrustedDashboard, ...]:
    """Return them; where none is named the one of the same file, whose key is made if it has none yet.

    ConfigError when that key can not be made or read.
    """
    if not config.dashboards:
        own = config.dashboard.id
        return (TrustedDashboard(own, (own_public(config.dashboard_key_file, own),)),)
    return tuple(
        TrustedDashboard(
            each.id,
            tuple(VerifyingKey.of(text) for text in each.keys),
            frozenset(each.roles) or EVERY_ROLE,
            frozenset(each.wards),
        )
        for each in config.dashboards
    )
