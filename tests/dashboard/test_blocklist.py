"""Passwords that are guessed first are refused, whatever they are dressed up with; others are taken."""

from __future__ import annotations

import pytest

from dashboard.blocklist import common, why_common
from dashboard.demo_accounts import DEMO_ACCOUNTS
from dashboard.people import SHORTEST_PASSWORD, RefusedSecretError, checked_password

pytestmark = pytest.mark.requirement("PEOPLE-2")
PLACE = ("Seeblick", "ward-a", "pain-clinic")


@pytest.mark.parametrize(
    "password",
    [
        "1qaz2wsx3edc4rfv",
        "Justinbieber!",
        "password12345678",
        "P@ssw0rd12345678",
        "__Sunshine_2026__",
        "dragondragondragon",
        "dragon 1 dragon 2 dragon",
        "pumpd-pain-clinic-2026",
        "Seeblick 2026 !!!!",
        "ketamine.seeblick.ward",
        "abcdefghijklmnop",
        "9876543210987654",
        "123123123123123",
        "wxyzwxyzwxyzwxyz",
        "Seeblick 4711 ab",
        "aaaaaaaaaaaaaaaa",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    """A common one, a common word with a tail, words of this place, rows and repeats."""
    assert why_common(password, PLACE)


@pytest.mark.parametrize(
    "password",
    [
        *(each.password for each in DEMO_ACCOUNTS),
        "quiet wards at night",
        "correct horse battery staple",
        "Zwölf Möwen über Kiel",
        "x7#Qp!vT2m&Lz9-wR",
        "ward x7#Qp!vT2m&Lz9",
        "2026-11-23 00:00:00",
        "三只猫在花园里睡觉 今天 下午 三点",
        "sunshine over dragon hill",
    ],
)
def test_words_of_ones_own_are_taken(password: str) -> None:
    """Several words, common ones among them, and what a password manager makes."""
    assert why_common(password, PLACE) == ""


def test_the_shortest_is_measured_and_no_refusal_says_what_was_typed() -> None:
    """14 characters are one too few; the words never quote the password."""
    taken = "grey swan pond "[:SHORTEST_PASSWORD]
    assert (SHORTEST_PASSWORD, checked_password(taken, "Ann")) == (15, taken)
    for wrong in (taken[:-1], "password12345678", "Seeblick Seeblick", "annapurna 1234567"):
        with pytest.raises(RefusedSecretError) as refused:
            checked_password(wrong, "Annapurna", PLACE)
        assert wrong.casefold() not in str(refused.value).casefold()


def test_the_list_is_there_without_the_words_about_it() -> None:
    """It is read once, in lower case, and its licence is no password."""
    assert {"password", "dragon", "1qaz2wsx3edc4rfv"} <= common()
    assert len(common()) > 2000
    assert all(word == word.casefold() and " " not in word for word in common())
