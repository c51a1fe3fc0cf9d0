"""The trials that a configuration names: relied on when signed by the key that stands beside them."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pumpd.config import load
from pumpd.drivers.trial import Trial, signed_by
from pumpd.errors import ConfigError
from pumpd.signing import Signer

SHIPPED = Path(__file__).parents[2] / "config"
SIGNER = Signer("engineer", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
TRIAL = Trial(
    driver="reference-pump",
    make="pumpd project",
    model="REF-1",
    firmware="1.0",
    serial_number="A-1",
    simulated=False,
    engineer="E. Engineer",
    at="2026-01-01",
    settings=(),
    refusal="",
    pause_ms=200,
    transcript=(),
)


def configured(folder: Path, text: str) -> Path:
    for name in ("pumpd.yaml", "drug-library.yaml"):
        shutil.copy(SHIPPED / name, folder / name)
    (folder / "trial.json").write_text(text)
    file = folder / "pumpd.yaml"
    file.write_text(f"{file.read_text()}\ntrials: [{{file: trial.json, key: {SIGNER.public.text}}}]\n")
    return file


@pytest.mark.requirement("ENG-5")
def test_a_signed_trial_is_loaded(tmp_path):
    """As it was signed."""
    assert load(configured(tmp_path, signed_by(SIGNER, TRIAL))).trials == (TRIAL,)


@pytest.mark.requirement("ENG-5", "CFG-1")
@pytest.mark.parametrize("change", [("1.0", "1.1"), ("200", "20"), ("{", "")])
def test_a_trial_that_was_changed_is_refused(change, tmp_path):
    """With its place in the file and what to do."""
    text = signed_by(SIGNER, TRIAL)
    with pytest.raises(ConfigError) as refused:
        load(configured(tmp_path, text.replace(*change)))
    (problem,) = refused.value.problems
    assert problem.path == "trials[0].file"
    assert "can not be relied on" in problem.what
