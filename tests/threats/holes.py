"""Every threat of docs/threat-model.md: how its defence is taken away, and the test that must fail then."""

from __future__ import annotations

import contextlib
import inspect
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import commands as asking
from pumpd import broker_files, key_files, signing
from pumpd.contract.envelope import SignedPayload
from pumpd.contract.roles import Role
from pumpd.contract.verbs import VERBS
from pumpd.daemon import commands, opening, permission
from pumpd.daemon.commands import Commands
from pumpd.daemon.permission import EVERY_ROLE, Permission
from pumpd.daemon.refusals import Noted
from pumpd.mqtt_client import Broker, Tls
from pumpd.signing import VerifyingKey
from tests.cli import test_keys
from tests.dashboard import test_commands as asked
from tests.mqtt import guarded, test_guarded_broker
from tests.publisher import test_permission, test_publisher
from tests.waiting import until

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Hole:
    """A defence that is taken away, and what shows that it is missing."""

    threat: str
    plant: Callable[[Patch], None]
    test: Callable[..., Any]
    given: tuple[Any, ...] = ()
    """What its parameters are; fixtures go by name."""
    real: bool = False

    @property
    def shown_by(self) -> str:
        """The test, as the page names it."""
        file = Path(inspect.getfile(inspect.unwrap(self.test))).relative_to(Path(__file__).parents[2])
        return f"{file}::{self.test.__name__}"


def _unsigned(patch: Patch) -> None:
    def read(message: Any, it: Any, *rest: Any) -> Any:
        try:
            return opening.read(message, it, *rest)
        except opening.RefusedError:
            it.command = VERBS[it.verb].model_validate_json(message.payload)
            return it.command

    patch.setattr(commands, "read", read)


def _any_key(patch: Patch) -> None:
    def signer(self: Permission, _topic: str, _envelope: SignedPayload) -> Any:
        return next(iter(self._by_key.values()))[0]

    patch.setattr(Permission, "signer", signer)


def _any_signature(patch: Patch) -> None:
    patch.setattr(VerifyingKey, "signed", lambda *_: True)


def _topic_unsigned(patch: Patch) -> None:
    patch.setattr(signing, "signed_bytes", lambda _topic, command: command.encode())


def _again(patch: Patch) -> None:
    def again(self: Commands, _command: Any, before: Any, it: Any) -> None:
        self._reply(before.reply.model_copy(update={"of": it.digest}))

    patch.setattr(Commands, "_again", again)


def _whenever(patch: Patch) -> None:
    patch.setattr(Commands, "_check_now", lambda *_: None)


def _nothing_judged(patch: Patch) -> None:
    patch.setattr(Permission, "allow", staticmethod(lambda *_: None))


def _every_role(patch: Patch) -> None:
    allow = Permission.allow
    patch.setattr(
        Permission,
        "allow",
        staticmethod(lambda dashboard, *rest: allow(replace(dashboard, roles=EVERY_ROLE), *rest)),
    )


def _every_ward(patch: Patch) -> None:
    patch.setattr(permission, "_within", lambda *_: None)


def _alike(patch: Patch) -> None:
    within = permission._within

    def folded(wards: frozenset[str], *rest: Any) -> None:
        within(frozenset(ward.casefold() for ward in wards), *rest)

    patch.setattr(permission, "_within", folded)


def _last_key_counts(patch: Patch) -> None:
    patch.setattr(opening, "_only_once", json.loads)


def _lax_signature(patch: Patch) -> None:
    order, signed = 2**252 + 27742317777372353535851937790883648493, VerifyingKey.signed

    def lax(self: VerifyingKey, topic: str, envelope: SignedPayload) -> bool:
        raw = bytes.fromhex(envelope.signature)
        s = int.from_bytes(raw[32:], "little") % order
        spelt = (raw[:32] + s.to_bytes(32, "little")).hex()
        return signed(self, topic, envelope.model_copy(update={"signature": spelt}))

    patch.setattr(VerifyingKey, "signed", lax)


def _keys_stay(patch: Patch) -> None:
    trust = Permission.trust

    def more(self: Permission, dashboards: Any) -> None:
        before = dict(self._by_key)
        trust(self, dashboards)
        self._by_key = {**before, **self._by_key}

    patch.setattr(Permission, "trust", more)


def _all_written(patch: Patch) -> None:
    patch.setattr(Noted, "missed", lambda _: 0)


def _as_it_came(patch: Patch) -> None:
    patch.setattr(commands, "plain_line", str)


def _any_mode(patch: Patch) -> None:
    patch.setattr(key_files, "stat", SimpleNamespace(S_IRWXG=0, S_IRWXO=0))


def _quoted(patch: Patch) -> None:
    wrong = key_files._wrong

    def quoting(file: Path, what: str, *rest: str) -> Exception:
        return wrong(file, f"{what}: {file.read_text(errors='replace')}", *rest)

    patch.setattr(key_files, "_wrong", quoting)


def _weak_keys(patch: Patch) -> None:
    patch.setattr(signing, "_WEAK", frozenset())


def _written_over(patch: Patch) -> None:
    write, demand = key_files._write_new, key_files._demand_place

    def over(file: Path, text: bytes, mode: int) -> None:
        file.unlink(missing_ok=True)
        write(file, text, mode)

    def anywhere(file: Path) -> None:
        with contextlib.suppress(FileExistsError):
            demand(file)

    patch.setattr(key_files, "_write_new", over)
    patch.setattr(key_files, "_demand_place", anywhere)


def _no_name_or_date(patch: Patch) -> None:
    def context(_: Tls) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        return made

    patch.setattr(Tls, "context", context)
    patch.setattr(test_guarded_broker, "until", lambda condition: until(condition, 2.0))


def _elsewhere(patch: Patch, name: str, old: str, new: str) -> None:
    """Let the broker be started with a shipped file in which ``old`` is ``new``."""
    text = (guarded.SHIPPED / name).read_text()
    assert old in text
    holed = {name: text.replace(old, new)}

    class Shipped:
        def __truediv__(self, file: str) -> Any:
            return SimpleNamespace(read_text=lambda: holed.get(file) or (SHIPPED / file).read_text())

    patch.setattr(guarded, "SHIPPED", Shipped())
    if name == "acl":
        patch.setattr(broker_files, "acl_text", lambda *_: holed[name])
    patch.setattr(test_guarded_broker, "until", lambda condition: until(condition, 2.0))


SHIPPED = guarded.SHIPPED
_READS = "topic read pumpd/v1/clinic/node/+/status\n"


def _anybody(patch: Patch) -> None:
    _elsewhere(patch, "tls.conf", "allow_anonymous false", "allow_anonymous true")


def _no_rules(patch: Patch) -> None:
    _elsewhere(patch, "acl", _READS, f"{_READS}topic write pumpd/#\n")


def _no_rules_for_nodes(patch: Patch) -> None:
    old = "topic write pumpd/v1/clinic/node/ward-a/status\n"
    _elsewhere(patch, "acl", old, f"{old}topic write pumpd/#\n")


def _in_the_clear(patch: Patch) -> None:
    patch.setattr(Broker, "loopback", property(lambda _: True))


def _any_reply(patch: Patch) -> None:
    def reply(self: asking.Commands, reply: Any) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(reply)

    patch.setattr(asking.Commands, "reply", reply)


_GATE = test_permission
_ROTATION = _GATE.test_two_keys_hold_while_one_takes_the_others_place_and_a_removed_one_holds_no_more
_ITS_OWN_ANSWER = asked.test_it_names_the_alarm_the_revision_the_person_and_an_expiry_on_the_nodes_clock
_UNQUOTED = test_keys.test_what_is_no_key_is_refused_without_being_quoted
_WEAK = test_keys.test_what_is_no_public_key_or_one_that_anybody_signs_for_is_refused
_AUTHORITY = test_guarded_broker.test_an_authority_that_we_do_not_trust_vouches_for_nobody
_TOPICS = inspect.unwrap(_GATE.test_a_command_holds_for_one_site_node_and_verb).pytestmark[0].args[1]
_TWICE = inspect.unwrap(_GATE.test_a_key_that_stands_twice_is_refused).pytestmark[0].args[1]
_OTHER = _GATE.good(revision=2)

_BROKER = test_guarded_broker
HOLES = (
    Hole("T-01", _unsigned, _GATE.test_an_unsigned_command_has_no_effect),
    Hole("T-02", _any_key, _GATE.test_a_foreign_signed_command_is_refused_and_journalled),
    Hole("T-03", _any_signature, _GATE.test_an_altered_command_is_answered_and_journalled),
    Hole("T-04", _topic_unsigned, _GATE.test_a_command_holds_for_one_site_node_and_verb, (_TOPICS[0],)),
    Hole("T-05", _again, _GATE.test_a_replay_after_its_time_is_refused_and_journalled),
    Hole("T-06", _whenever, _GATE.test_a_replay_in_another_boot_is_refused_and_journalled),
    Hole("T-07", _whenever, _GATE.test_an_expired_command_is_refused_and_journalled),
    Hole("T-08", _again, _GATE.test_an_id_is_used_once, (_OTHER,)),
    Hole("T-09", _nothing_judged, _GATE.test_another_dashboards_name_is_no_disguise),
    Hole("T-10", _nothing_judged, _GATE.test_each_verb_is_for_its_roles, ("begin", Role.VIEWER)),
    Hole("T-11", _every_role, _GATE.test_a_dashboard_speaks_only_for_the_roles_it_was_given),
    Hole("T-12", _every_ward, _GATE.test_a_dashboard_speaks_only_of_its_wards_and_a_person_only_of_hers),
    Hole("T-13", _alike, _GATE.test_a_ward_that_only_looks_the_same_is_another, ("CLINIC",)),
    Hole("T-14", _last_key_counts, _GATE.test_a_key_that_stands_twice_is_refused, (_TWICE[1],)),
    Hole("T-15", _lax_signature, _GATE.test_a_signature_has_one_spelling),
    Hole(
        "T-16",
        _keys_stay,
        _GATE.test_two_keys_hold_while_one_takes_the_others_place_and_a_removed_one_holds_no_more,
    ),
    Hole("T-17", _all_written, _GATE.test_a_flood_of_strangers_fills_neither_journal_nor_network),
    Hole("T-18", _as_it_came, _GATE.test_what_a_stranger_wrote_is_one_plain_line_in_the_journal),
    Hole("T-19", _any_mode, test_keys.test_a_key_that_others_may_read_is_refused, (0o644,)),
    Hole("T-20", _quoted, _UNQUOTED, (b"secret nonsense",)),
    Hole(
        "T-21",
        _weak_keys,
        test_keys.test_what_is_no_public_key_or_one_that_anybody_signs_for_is_refused,
        ("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",),
    ),
    Hole("T-22", _written_over, test_keys.test_a_key_is_made_shown_and_never_written_over),
    Hole(
        "T-23",
        _any_reply,
        asked.test_it_names_the_alarm_the_revision_the_person_and_an_expiry_on_the_nodes_clock,
    ),
    Hole("T-24", _in_the_clear, test_publisher.test_commands_are_taken_over_loopback_only),
    Hole("T-25", _anybody, _BROKER.test_a_stranger_is_not_let_in, ("",), real=True),
    Hole("T-26", _no_rules, _BROKER.test_a_dashboard_can_not_tell_what_pumps_do, real=True),
    Hole(
        "T-27",
        _no_rules_for_nodes,
        _BROKER.test_a_daemon_can_not_ask_and_not_speak_for_another,
        real=True,
    ),
    Hole(
        "T-28",
        _no_name_or_date,
        _BROKER.test_a_certificate_that_is_not_good_is_refused,
        (("localhost",), -1, "expired"),
        real=True,
    ),
    Hole(
        "T-29",
        _no_name_or_date,
        _BROKER.test_an_authority_that_we_do_not_trust_vouches_for_nobody,
        real=True,
    ),
)
