"""The dashboards that a configuration trusts, with their keys."""

from __future__ import annotations

from pumpd.config import Config
from pumpd.daemon.permission import EVERY_ROLE, TrustedDashboard
from pumpd.key_files import own_public
from pumpd.signing import VerifyingKey


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
