"""Threats at the dashboard's door: how each defence is taken away, and the test that must fail then."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from dashboard import attempts, devices, guard, infusions, people_store, security, sessions, stream, tls
from dashboard.attempts import Attempts, What
from dashboard.grants import Grants
from dashboard.hashing import digest
from dashboard.security import LocalOnly
from dashboard.sessions import SessionEnds, Sessions
from dashboard.sign_in import People
from pumpd import config_check
from pumpd.http_serving import ImpatientHttp
from tests.config import test_certificates
from tests.dashboard import (
    test_guesses,
    test_https,
    test_impatience,
    test_page_floods,
    test_screens,
    test_secrets_kept,
    test_sign_in,
)
from tests.threats.holes import Hole, Patch

LONG_S = 10**9


def _no_waits(patch: Patch) -> None:
    patch.setattr(Attempts, "begin", lambda *_: None)


def _no_lock(patch: Patch) -> None:
    patch.setitem(attempts.BOUNDS, What.PIN, replace(attempts.BOUNDS[What.PIN], locked_at=None))


def _only_the_browser_forgets(patch: Patch) -> None:
    patch.setattr(Sessions, "end", lambda *_: None)


def _a_planted_token(patch: Patch) -> None:
    patch.setattr(sessions, "new_token", lambda: "planted")


def _any_origin(patch: Patch) -> None:
    patch.setattr(LocalOnly.__init__, "__defaults__", (("GET", "HEAD", "POST"), ()))


def _in_any_name(patch: Patch) -> None:
    patch.setattr(guard, "folded", lambda _: "")


def _for_ever(patch: Patch) -> None:
    patch.setattr(people_store, "SessionEnds", lambda: SessionEnds(LONG_S, LONG_S, LONG_S))


def _anywhere(patch: Patch) -> None:
    def number(self: Grants, token: str, _place: str) -> Any:
        return self._open[digest(token)].number

    patch.setattr(Grants, "number", number)


def _any_second_person(patch: Patch) -> None:
    patch.setattr(infusions, "unconfirmed", lambda *_: None)


def _tokens_as_they_are(patch: Patch) -> None:
    patch.setattr(sessions, "digest", lambda token: token.encode())


def _demo_everywhere(patch: Patch) -> None:
    patch.setattr(People, "_may_come", lambda *_: True)


def _any_size(patch: Patch) -> None:
    patch.setattr(security, "LONGEST_BODY", LONG_S)


def _codes_for_ever(patch: Patch) -> None:
    patch.setattr(devices, "CODE_HOLDS_S", LONG_S)


def _served_to_everybody(patch: Patch) -> None:
    patch.setattr(config_check, "_loopback", lambda _: True)


def _key_for_everybody(patch: Patch) -> None:
    patch.setattr(config_check, "_secret", lambda *_: ())


def _any_host(patch: Patch) -> None:
    patch.setattr(security, "_is_named", lambda *_: True)


def _same_name_will_do(patch: Patch) -> None:
    patch.setattr(security, "is_encrypted", lambda _: False)


def _any_tls(patch: Patch) -> None:
    patch.setattr(tls, "OLDEST", ssl.TLSVersion.MINIMUM_SUPPORTED)


def _patient(patch: Patch) -> None:
    patch.setattr(ImpatientHttp, "_look", lambda _: None)
    patch.setattr(test_impatience, "ENDED_WITHIN_S", 2.0)


def _all_ears(patch: Patch) -> None:
    patch.setattr(stream, "FRAMES_A_BEAT", LONG_S)


def _pages_each(patch: Patch) -> None:
    patch.setattr(stream, "PAGES_EACH", LONG_S)


def _pages_of_all(patch: Patch) -> None:
    patch.setattr(stream, "MOST_PAGES", LONG_S)


PEOPLE_HOLES: tuple[Hole, ...] = (
    Hole("T-30", _no_waits, test_guesses.test_a_wait_is_told_in_words_and_ends),
    Hole("T-31", _no_lock, test_guesses.test_a_pin_is_locked_after_ten),
    Hole(
        "T-32",
        _only_the_browser_forgets,
        test_sign_in.test_a_cookie_that_was_copied_is_worth_nothing_after_the_sign_out,
    ),
    Hole("T-33", _a_planted_token, test_sign_in.test_a_token_that_was_planted_is_not_taken_on),
    Hole(
        "T-34",
        _any_origin,
        test_secrets_kept.test_no_other_site_signs_anybody_in_or_out_or_acts,
        ("http://evil.example", "/api/sign-out"),
    ),
    Hole("T-35", _in_any_name, test_sign_in.test_a_second_tab_can_not_make_the_first_act_in_another_name),
    Hole("T-36", _for_ever, test_sign_in.test_rights_go_when_nobody_touched_it_and_the_picture_stays),
    Hole("T-37", _anywhere, test_screens.test_what_a_pin_opened_is_worth_nothing_elsewhere),
    Hole("T-38", _any_second_person, test_screens.test_a_second_person_is_named_only_with_the_own_pin),
    Hole("T-39", _tokens_as_they_are, test_sign_in.test_the_file_holds_no_token_and_no_password),
    Hole("T-40", _demo_everywhere, test_secrets_kept.test_the_demos_accounts_are_let_in_beside_no_real_pump),
    Hole("T-41", _any_size, test_secrets_kept.test_a_huge_body_is_not_read_to_its_end, ("/api/sign-in",)),
    Hole("T-42", _codes_for_ever, test_screens.test_a_code_is_good_once_and_for_a_day),
    Hole(
        "T-43",
        _served_to_everybody,
        test_certificates.test_pages_leave_this_machine_over_tls_and_under_a_name_only,
    ),
    Hole("T-44", _key_for_everybody, test_certificates.test_a_key_that_others_may_read_is_refused),
    Hole("T-45", _any_host, test_https.test_only_under_its_own_names_it_answers),
    Hole("T-46", _same_name_will_do, test_https.test_over_tls_a_page_in_the_clear_is_another_sites),
    Hole("T-47", _any_tls, test_https.test_the_oldest_tls_is_1_2),
    Hole("T-48", _patient, test_impatience.test_whoever_sends_nothing_or_never_ends_is_sent_away),
    Hole("T-49", _all_ears, test_page_floods.test_a_page_that_says_too_much_is_cut),
    Hole("T-50", _pages_each, test_page_floods.test_one_sign_in_has_so_many_pages_and_no_more),
    Hole("T-51", _pages_of_all, test_page_floods.test_there_are_so_many_pages_and_no_more),
)
