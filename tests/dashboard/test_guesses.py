"""Guessing: waits by account and by address, an end to it, and a door that stays open for everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2.profiles import RFC_9106_LOW_MEMORY

from dashboard.attempts import BOUNDS, MOST_COUNTERS, What, network_of, wait_s
from dashboard.hashing import Hasher, digest
from dashboard.sign_in import WAITING_AT_MOST, People, Refusal
from tests.dashboard.door import Door
from tests.dashboard.hand_clock import HandClock
from tests.dashboard.people import PASSWORD, people

pytestmark = pytest.mark.requirement("PEOPLE-2")
ELSEWHERE = "192.0.2."


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Yield the door of a dashboard, with nobody in."""
    made = Door(tmp_path)
    with made.client:
        yield made


def test_passwords_are_hashed_at_the_cost_of_rfc_9106():
    """The default is the second recommended option: argon2id, 3 passes, 64 MiB, 4 lanes."""
    kept = Hasher().make("quiet wards at night")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert RFC_9106_LOW_MEMORY.memory_cost == 65_536
    assert Hasher().agrees(kept, "quiet wards at night")
    assert not Hasher().agrees(kept, "quiet wards at nighT")


@pytest.mark.parametrize(
    ("count", "wait"), [(0, 0), (4, 0), (5, 5), (6, 10), (7, 20), (12, 640), (13, 900), (99, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(count, wait):
    """Mistyping is free, guessing is not."""
    assert wait_s(What.PASSWORD, count) == wait


def _counted(who: People) -> list[str]:
    """Return the list that every password looked at from now on is put on."""
    tried: list[str] = []
    agrees = who.store.hasher.agrees

    def counted(kept: str, secret: str) -> bool:
        tried.append(secret)
        return agrees(kept, secret)

    who.store.hasher.agrees = counted  # type: ignore[method-assign]
    return tried


def test_ten_thousand_guesses_at_one_account_are_a_hundred(tmp_path):
    """Whoever tries for as long as it takes, from as many addresses as wanted, is looked at 100 times."""
    clock = HandClock()
    who = people(tmp_path, clock)
    tried = _counted(who)
    locked = 0
    for guess in range(10_000):
        told = who._sign_in("Ann", f"guess number {guess}", f"{ELSEWHERE}{guess % 250}", "")
        assert isinstance(told, Refusal)
        locked += told.wait_s == 0 and "admin" in told.words
        clock.pass_s(1000)
    assert len(tried) == 100
    assert locked == 10_000 - 99
    assert isinstance(who._sign_in("Ann", PASSWORD, "127.0.0.1", ""), Refusal)
    events = [line.event for line in who.store.log.lines(20_000)]
    assert (events.count("sign-in failed"), events.count("locked")) == (100, 1)
    assert isinstance(who._sign_in("Ben", PASSWORD, "127.0.0.1", ""), str)
    who.store.accounts.set_password("Ann", "another good one", "test")
    assert isinstance(who._sign_in("Ann", "another good one", "127.0.0.1", ""), str)
    who.store.close()


def test_a_pin_is_locked_after_ten(tmp_path):
    """Four digits are 10,000: ten tries are one in a thousand, and there is no eleventh."""
    clock = HandClock()
    who = people(tmp_path, clock)
    for _ in range(9):
        who._proven(What.PIN, "Ann", "0001", "a")
        clock.pass_s(1000)
    told = who._proven(What.PIN, "Ann", "0001", "a")
    assert isinstance(told, Refusal)
    assert "admin must set a new PIN" in told.words
    clock.pass_s(10**6)
    assert isinstance(who._proven(What.PIN, "Ann", "2580", "a"), Refusal)
    who.store.accounts.set_pin("Ann", "1470", "test")
    assert not isinstance(who._proven(What.PIN, "Ann", "1470", "a"), Refusal)
    who.store.close()


def test_a_wait_is_told_in_words_and_ends(door):
    """The answer says how long; the right password does not help before, and does after."""
    for _ in range(4):
        assert door.sign_in("Ann", "not the password").status_code == 401
    fifth = door.sign_in("Ann", "not the password")
    assert (fifth.status_code, fifth.headers.get("retry-after")) == (429, "5")
    assert fifth.json()["reason"] == "Too many wrong attempts. Try again in 5 s."
    assert door.sign_in().status_code == 429
    door.clock.pass_s(4.9)
    assert door.sign_in().status_code == 429
    door.clock.pass_s(0.1)
    assert door.sign_in().status_code == 200
    assert ("throttled", "Ann") in door.events()
    assert door.sign_in("Ann", "not the password").status_code == 401  # a success forgets what was before


def test_an_unknown_name_waits_like_a_known_one(door):
    """Waiting tells nobody which names there are."""
    answers = []
    for name in ("Ann", "Nobody"):
        answers.append([door.sign_in(name, "not the password").json() for _ in range(7)])
        door.clock.pass_s(4000)
    assert answers[0] == answers[1]


def test_an_address_waits_for_all_names_and_is_forgotten(tmp_path):
    """Twenty names once each, and the address waits; others do not; after an hour it is new again."""
    clock = HandClock()
    who = people(tmp_path, clock)
    for number in range(20):
        told = who._sign_in(f"name {number}", "x", f"{ELSEWHERE}7", "")
        assert isinstance(told, Refusal)
        assert told.wait_s == 0
    held = who._sign_in("Ann", PASSWORD, f"{ELSEWHERE}7", "")
    assert isinstance(held, Refusal)
    assert held.wait_s == 5
    assert isinstance(who._sign_in("Ann", PASSWORD, f"{ELSEWHERE}8", ""), str)
    clock.pass_s(5)
    for number in range(2):
        who._sign_in(f"other {number}", "x", f"{ELSEWHERE}7", "")
    clock.pass_s(3600)
    assert isinstance(who._sign_in("Ann", PASSWORD, f"{ELSEWHERE}7", ""), str)
    who.store.close()


def test_an_own_account_clears_no_way_for_guesses(tmp_path):
    """A thief with an account of their own gains no guess by signing in between."""
    clock = HandClock()
    who = people(tmp_path, clock)
    refused = 0
    for number in range(40):
        told = who._sign_in(f"name {number}", "x", "a", "")
        refused += isinstance(told, Refusal) and told.wait_s > 0
        who._sign_in("Ben", PASSWORD, "a", "")
    assert refused == 20
    who.store.close()


def test_a_clock_that_is_set_back_locks_nobody_out_for_long(tmp_path):
    """The wait begins anew at the clock's own time, and ends."""
    clock = HandClock()
    who = people(tmp_path, clock)
    for _ in range(5):
        who._sign_in("Ann", "not the password", "a", "")
    clock.set_back_s(10**7)
    assert isinstance(who._sign_in("Ann", PASSWORD, "a", ""), Refusal)
    clock.pass_s(5)
    assert isinstance(who._sign_in("Ann", PASSWORD, "a", ""), str)
    who.store.close()


def test_a_flood_of_names_fills_no_disk_and_forgets_no_account(tmp_path):
    """The counters are bounded; those of accounts stay when those of strangers' names go."""
    clock = HandClock()
    who = people(tmp_path, clock)
    for _ in range(3):
        who._sign_in("Ann", "not the password", "a", "")
    with who.store._db.writing() as db:
        rows = [("password", digest(f"n{number}"), 1, 10**13) for number in range(MOST_COUNTERS)]
        db.executemany("INSERT INTO failure VALUES (?, ?, ?, ?)", rows)
    who._sign_in("Nobody", "x", "b", "")
    ((count,),) = who.store._db.read("SELECT count(*) FROM failure")
    assert count <= MOST_COUNTERS
    assert who.store._db.read("SELECT count FROM failure WHERE key = ?", digest("ann")) == [(3,)]
    who.store.close()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_address(address, network):
    """Whoever has one address of an IPv6 network has all of them."""
    assert network_of(address) == network


async def test_a_thousand_at_once_are_not_all_looked_at(tmp_path):
    """An attempt is counted before it is looked at; who does not find a place is told so, at once."""
    who = people(tmp_path)
    tried = _counted(who)
    told = await asyncio.gather(*(who.sign_in("Ann", f"guess {n}", "a", "") for n in range(1000)))
    assert len(tried) <= BOUNDS[What.PASSWORD].free
    busy = sum(isinstance(each, Refusal) and each.busy for each in told)
    assert busy == 1000 - WAITING_AT_MOST
    assert isinstance(await who.sign_in("Ben", PASSWORD, "b", ""), str)
    who.store.close()
