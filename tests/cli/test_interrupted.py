"""Ctrl-C: whatever verb speaks to a pump ends at once, with the port let go and nothing signed."""

import asyncio
import os
import signal
import subprocess
import sys
import tty
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.transports.terminals import terminal
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("ENG-6")]


def key_in(folder: Path) -> Path:
    """Write an engineer's key as ``pumpd keys new`` does."""
    file = folder / "engineer.key"
    file.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    file.chmod(0o600)
    return file


VERBS = {"probe": ("connecting to", 130), "trace": ("tracing", 0), "trace --listen": ("listening on", 0)}


def ended(arguments: list[str], begins: str, said: Path) -> int:
    """Run a verb until it has said how it begins, press Ctrl-C once, and return its status."""
    stdin, typing = os.pipe()
    with said.open("w") as file:
        program = subprocess.Popen(
            [sys.executable, "-u", "-m", "pumpd.cli", *arguments, "--driver", "reference-pump"],
            stdin=stdin,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        asyncio.run(until(lambda: begins in said.read_text() or program.poll() is not None, 60))
        program.send_signal(signal.SIGINT)
        return program.wait(30)
    finally:
        program.kill()
        program.wait()
        os.close(stdin)
        os.close(typing)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_ctrl_c_ends_a_verb(verb, tmp_path):
    """A pump that says nothing: one Ctrl-C is enough, and no traceback comes."""
    said = tmp_path / "said.txt"
    with terminal() as (_, path, _):
        with Path(path).open("rb", buffering=0) as port:
            tty.setraw(port.fileno())
        name, *options = verb.split()
        begins, status = VERBS[verb]
        assert ended([name, f"modbus-rtu://{path}/1?baud=19200", *options], begins, said) == status
    assert "Traceback" not in said.read_text()


def test_ctrl_c_ends_a_trial_while_an_engineer_is_asked(tmp_path):
    """Nothing is asked of the pump, and nothing signed."""
    said, trial = tmp_path / "said.txt", tmp_path / "trial.json"
    words = ["drivers", "verify", "modbus-tcp://127.0.0.1:1/1", "--engineer", "E", "--to", str(trial)]
    assert ended([*words, "--key", str(key_in(tmp_path))], "No patient is connected", said) == 1
    assert "Aborted" in said.read_text()
    assert not trial.exists()
