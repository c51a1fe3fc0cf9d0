"""Keys of dashboards: made by a verb or at the first start, read by their owner alone."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd import broker_files
from pumpd.cli import app
from pumpd.contract.envelope import SignedPayload
from pumpd.errors import ConfigError
from pumpd.key_files import KeyPlaceError, load_key, new_key, own_key, own_public
from pumpd.signing import VerifyingKey
from tests.house.tree import tracked

pytestmark = pytest.mark.requirement("KEY-2")
BEGIN = b"-----BEGIN " + b"PRIVATE " + b"KEY-----"


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    return done.exit_code, done.output


def test_a_key_is_made_shown_and_never_written_over(tmp_path):
    """What ``new`` prints is what ``show`` prints; a second ``new`` leaves the first key alone."""
    file = tmp_path / "desk.key"
    status, made = run("keys", "new", file)
    assert status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert run("keys", "new", file)[0] == 2
    assert file.read_bytes() == before
    (tmp_path / "desk.key.pub").unlink()
    assert run("keys", "show", file) == (0, made)
    assert (tmp_path / "desk.key.pub").read_text().strip() == made.split()[0]
    assert VerifyingKey.of(made.split()[0]).id in made
    assert {each.name for each in tmp_path.iterdir()} == {"desk.key", "desk.key.pub"}


@pytest.mark.parametrize("below", ["there", "there/deeper"])
def test_a_key_for_which_there_is_no_place_is_told_by_its_own_name(tmp_path, below):
    """A file where its folder should be: the name that was given, what is allowed, and what to do."""
    (tmp_path / "there").touch()
    file = tmp_path / below / "desk.key"
    with pytest.raises(ConfigError, match="can not be written: not a directory") as caught:
        new_key(file)
    (problem,) = caught.value.problems
    assert (problem.file, f"let this user write to {file.parent}" in problem.remedy) == (str(file), True)
    for ask in (own_key, own_public):
        with pytest.raises(KeyPlaceError):
            ask(file, "desk")


def test_a_disk_that_is_full_or_read_only_is_told_by_the_name_of_the_key(tmp_path, monkeypatch):
    """Not by the name of the draft; a key that is there already is read all the same."""
    there = own_key(tmp_path / "there.key", "desk").public.text

    def full(prefix: str, dir: Path) -> None:  # noqa: A002 - as the library names it
        raise OSError(28, "No space left on device", f"{dir}/{prefix}x1")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(KeyPlaceError, match=r"desk\.key can not be written: no space left") as caught:
        own_public(tmp_path / "desk.key", "desk")
    assert "x1" not in str(caught.value)
    assert own_key(tmp_path / "there.key", "desk").public.text == there


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    """It may be known by now; the words say what to do and hold nothing of the key."""
    file = tmp_path / "desk.key"
    new_key(file)
    file.chmod(mode)
    with pytest.raises(ConfigError, match="may be read by others") as caught:
        load_key(file, "desk")
    assert "chmod 600" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"secret nonsense", BEGIN + b"\nc2VjcmV0\n" + BEGIN.replace(b"BEGIN", b"END")],
)
def test_what_is_no_key_is_refused_without_being_quoted(tmp_path, text):
    """Whatever the library makes of it, no byte of the file comes out again."""
    file = tmp_path / "desk.key"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_key(file, "desk")
    assert "secret" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path):
    """X25519 agrees on secrets; it signs nothing."""
    file = tmp_path / "desk.key"
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], capture_output=True, check=True)
    file.write_bytes(made.stdout)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="another kind"):
        load_key(file, "desk")


def test_programs_that_start_together_agree_on_one_key(tmp_path):
    """Daemon and dashboard, in any order or at once: one makes the key, and both mean the same."""
    file = tmp_path / "keys" / "dashboard.key"
    found: list[str] = []
    start = threading.Barrier(8)

    def ask(public: bool) -> None:
        start.wait()
        key = own_public(file, "dashboard") if public else own_key(file, "dashboard").public
        found.append(key.text)

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_what_is_signed_is_known_by_the_public_half_alone(tmp_path):
    """The daemon needs the 44 characters and nothing else."""
    signer = own_key(tmp_path / "k", "desk")
    envelope = SignedPayload.model_validate_json(signer.sign("a/b", "{}"))
    assert VerifyingKey.of(own_public(tmp_path / "k", "desk").text).signed("a/b", envelope)
    assert not VerifyingKey.of(own_public(tmp_path / "other", "desk").text).signed("a/b", envelope)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        "A" * 43 + "=",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "7P///////////////////////////////////////38=",
        "x" * 44,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ",
    ],
)
def test_what_is_no_public_key_or_one_that_anybody_signs_for_is_refused(text):
    """Points of small order take one signature for many messages."""
    with pytest.raises(ValueError, match=r"44 characters|everybody could sign"):
        VerifyingKey.of(text)


BROKER = ("--site", "clinic", "--node", "ward-a", "--dashboard", "desk")


@pytest.mark.parametrize(
    "host",
    ["", "*", "no host, DNS:*", "bröker.example", "a" * 64, "a." * 130, "-a", "a..b", "https://a", "a:8883"],
)
def test_a_brokers_name_that_no_client_can_check_is_refused(tmp_path, host):
    """What is allowed is told, and no folder is left that would stand in the way of the next try."""
    status, said = run("keys", "broker", tmp_path / "b", *BROKER, "--host", host)
    assert status == 2
    assert "allowed are an address, or a name" in " ".join(said.split())
    assert not (tmp_path / "b").exists()


def test_names_of_a_broker_that_stand_twice_count_once(tmp_path):
    """Each account has one password, and what is made is whole."""
    twice = (
        "--node",
        "ward-a",
        "--host",
        "broker.example",
        "--host",
        "192.0.2.7",
        "--host",
        "broker.example",
    )
    status, said = run("keys", "broker", tmp_path / "b", *BROKER, *twice)
    assert (status, said.count("node-ward-a.password")) == (0, 1)
    assert (tmp_path / "b" / "passwords").read_text().count("\n") == 2
    assert (tmp_path / "b" / "acl").read_text().count("user node-ward-a") == 1


def test_what_can_not_be_made_whole_leaves_no_folder(tmp_path, monkeypatch):
    """A disk that fills leaves no half of it, which the next try would refuse to write over."""

    def full(file: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(broker_files, "write_private", full)
    assert run("keys", "broker", tmp_path / "b", *BROKER, "--host", "broker.example")[0] == 1
    assert not (tmp_path / "b").exists()


def test_no_private_key_is_in_the_project():
    """Nobody's commands are signed with a key that everybody has."""
    assert [path for path in tracked() if b"PRIVATE " + b"KEY-----" in path.read_bytes()] == []
