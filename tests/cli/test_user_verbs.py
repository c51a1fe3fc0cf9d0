"""``pumpd user`` and ``pumpd screen``: what an admin needs, with secrets that are never arguments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from argon2.profiles import CHEAPEST
from typer.testing import CliRunner

from dashboard import people_store
from dashboard.hashing import Hasher
from pumpd.cli import app
from pumpd.clock import SystemClock
from pumpd.config import load
from tests.dashboard.served import config_text

PASSWORD = "quiet wards at night"
pytestmark = pytest.mark.requirement("PEOPLE-8")


class Admin:
    """Somebody at a terminal."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "pumpd.yaml"
        self.config.write_text(config_text(8080, 1883, pumps=1))

    def run(self, *words: str, typed: str = "", status: int = 0) -> str:
        """Run a verb; return all that it said."""
        done = CliRunner().invoke(app, [*words, "-c", str(self.config)], input=typed)
        assert done.exit_code == status, (words, done.output, done.exception)
        return done.output

    def add(self, name: str = "Ann Keller", role: str = "nurse", *more: str) -> str:
        """Make an account."""
        return self.run("user", "add", name, "--role", role, "--from", "-", *more, typed=PASSWORD + "\n")


@pytest.fixture
def admin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """Return an admin of an empty installation, with cheap hashes."""
    monkeypatch.setattr(people_store, "Hasher", lambda: Hasher(CHEAPEST))
    return Admin(tmp_path)


def test_an_account_is_made_changed_disabled_and_all_of_it_is_kept(admin):
    """Each verb does what it says, at once, and the log tells it in order, with who."""
    assert admin.run("user", "list") == "0 accounts\n"
    assert "Ann Keller may sign in as nurse" in admin.add("Ann Keller", "nurse", "--ward", "b", "--ward", "a")
    assert admin.run("user", "list").startswith("Ann Keller: nurse, a, b, no PIN\n")
    admin.run("user", "pin", "ann keller", "--from", "-", typed="2580\n")
    admin.run("user", "role", "ann keller", "engineer")
    admin.run("user", "wards", "ann keller")
    admin.run("user", "password", "ann keller", "--from", "-", typed="another good one\n")
    admin.run("user", "disable", "ann keller")
    assert admin.run("user", "list") == "Ann Keller: engineer, every ward, PIN, DISABLED\n1 account\n"
    admin.run("user", "enable", "ann keller")
    admin.run("user", "pin", "ann keller", "--none")
    assert "no PIN" in admin.run("user", "list")
    told = re.findall(
        r"^\S+  (.*): Ann Keller, by .+ \(command line\)", admin.run("user", "log"), re.MULTILINE
    )
    assert told == [
        "account added",
        "PIN set",
        "role set",
        "wards set",
        "password set",
        "disabled",
        "enabled",
        "PIN set",
    ]
    assert len(admin.run("user", "log", "-n", "2").splitlines()) == 2


@pytest.mark.requirement("CFG-5")
def test_a_role_or_a_file_that_is_not_there_is_told_with_what_is_allowed(admin, tmp_path):
    """In words, with what to write instead; no account is made."""
    for words in (("add", "Ben", "--role", "nurs", "--from", "-"), ("role", "Ben", "nurs")):
        said = re.sub(r"[\s│]+", " ", admin.run("user", *words, status=2))
        assert (
            "no role 'nurs'; allowed: viewer, nurse, pharmacist, engineer, admin; did you mean nurse?" in said
        )
        assert "Value error" not in said
    for place, why in (("nowhere", "no such file or directory"), (".", "is a directory")):
        asked = ("add", "Ben", "--role", "viewer", "--from", str(tmp_path / place))
        said = re.sub(r"[\s│]+", " ", admin.run("user", *asked, status=2))
        assert f"{why}; name a file whose first line is the password, or -" in said
    assert admin.run("user", "list") == "0 accounts\n"


@pytest.mark.requirement("PEOPLE-2")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("short", "15 to 128 characters"),
        ("x" * 129, "15 to 128 characters"),
        ("aaaaaaabbbbbbbb", "5 different"),
        ("ann keller 12 34", "does not hold the name"),
        ("pain-clinic 2026!", "among the first that are tried"),
        ("", "15 to 128"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(admin, typed, words):
    """The reason is told, the password is not, and no account is made."""
    said = admin.run(
        "user", "add", "Ann Keller", "--role", "nurse", "--from", "-", typed=f"{typed}\n", status=2
    )
    assert words in re.sub(r"[\s│]+", " ", said)
    assert not typed or typed not in said
    assert admin.run("user", "list") == "0 accounts\n"


@pytest.mark.requirement("PEOPLE-2")
@pytest.mark.parametrize("pin", ["123", "1234", "0000", "9876", "7890", "123456789", "12a4", "١٢٣٥"])
def test_a_pin_that_is_tried_first_is_refused(admin, pin):
    """Rows, repetitions and what is no number of 4 to 8 digits."""
    admin.add()
    admin.run("user", "pin", "Ann Keller", "--from", "-", typed=f"{pin}\n", status=2)
    assert "no PIN" in admin.run("user", "list")


def test_a_secret_is_read_from_a_file_or_a_terminal_and_never_from_the_words(admin, tmp_path):
    """Only the first line of the file counts; without a terminal the verb says what to give."""
    kept = tmp_path / "password"
    kept.write_text(f"{PASSWORD}\r\nnot this\n")
    admin.run("user", "add", "Ben", "--role", "viewer", "--from", str(kept))
    assert "--from" in admin.run("user", "add", "Cy", "--role", "viewer", status=2)
    said = CliRunner().invoke(app, ["user", "add", "--help"]).output
    assert "--password" not in said


def test_a_secrets_file_may_begin_with_the_mark_of_an_editor(admin, tmp_path):
    """The mark that some editors put before UTF-8 is no part of the password: nobody could type it."""
    kept = tmp_path / "password"
    kept.write_bytes(b"\xef\xbb\xbf" + PASSWORD.encode() + b"\r\n")
    admin.run("user", "add", "Ben", "--role", "viewer", "--from", str(kept))
    store = people_store.PeopleStore(load(admin.config).people_file, SystemClock())
    found = store.accounts.secrets("Ben")
    assert found is not None
    assert store.hasher.agrees(found.password, PASSWORD)
    store.close()


def test_a_secrets_file_that_is_no_text_is_refused_without_being_quoted(admin, tmp_path):
    """The file is named, what it holds is not, and no account is made."""
    kept = tmp_path / "password"
    kept.write_bytes(b"violet anchor \xff\xfe tundra\n")
    said = admin.run("user", "add", "Ben", "--role", "viewer", "--from", str(kept), status=2)
    assert "no text in UTF-8" in said
    assert "violet" not in said
    assert admin.run("user", "list") == "0 accounts\n"


@pytest.mark.parametrize("ward", ["", "  ", "w" * 65, "a\udcffb", "a\nb"])
def test_a_ward_that_no_pump_can_be_in_is_refused(admin, ward):
    """An account that may act nowhere is not told as one that may act everywhere."""
    admin.run(
        *("user", "add", "Ann", "--role", "nurse", "--ward", ward, "--from", "-"), typed=PASSWORD, status=2
    )
    assert admin.run("user", "list") == "0 accounts\n"
    admin.add("Ann")
    admin.run("user", "wards", "Ann", ward, status=2)
    assert admin.run("user", "list") == "Ann: nurse, every ward, no PIN\n1 account\n"


def test_a_ward_that_no_pump_of_the_file_is_in_is_told(admin):
    """It is kept, since another daemon may watch it; most often it is spelt otherwise."""
    told = "no pump of .* is in the ward 'nowhere'"
    assert re.search(told, admin.add("Ann", "nurse", "--ward", "nowhere"))
    assert re.search(told, admin.run("user", "wards", "Ann", "nowhere", "pain-clinic"))
    assert "no pump" not in admin.run("user", "wards", "Ann", "pain-clinic")


def test_one_name_is_one_account(admin):
    """Another spelling of it is the same; nobody is there twice; who is not there is told so."""
    admin.add()
    said = admin.run(
        "user", "add", "ANN  KELLER", "--role", "admin", "--from", "-", typed=f"{PASSWORD}\n", status=2
    )
    assert "already" in said
    for verb in (["disable", "Nobody"], ["role", "Nobody", "nurse"], ["pin", "Nobody", "--none"]):
        done = CliRunner().invoke(app, ["user", *verb, "-c", str(admin.config)])
        assert "there is no account 'Nobody'" in str(done.exception)


@pytest.mark.requirement("PEOPLE-5")
def test_a_screen_is_made_listed_and_revoked(admin):
    """Its code is told once; a second screen of that name is refused until the first is revoked."""
    assert re.match(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}  type this", admin.run("screen", "add", "Wall 1"))
    admin.run("screen", "add", "Desk 1", "--shared")
    listed = admin.run("screen", "list")
    assert listed == (
        "Desk 1: shared, its code was not typed yet\nWall 1: wall, its code was not typed yet\n2 screens\n"
    )
    assert "already" in admin.run("screen", "add", "Wall 1", status=2)
    admin.run("screen", "revoke", "Wall 1")
    assert admin.run("screen", "list").endswith("1 screen\n")
    assert "screen revoked: Wall 1" in admin.run("user", "log")
