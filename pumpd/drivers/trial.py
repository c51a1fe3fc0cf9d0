"""What an engineer has tried with a pump and without a patient, and signed: it holds for that firmware."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pumpd.drivers.base import Identity
from pumpd.signing import Signer, VerifyingKey

PURPOSE: Final = "pumpd trial 1"
"""Signed with it, so that a signature made for anything else is never one of a trial."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Setting(_Part):
    """One rate as a person read it on the pump, and as the driver read it."""

    typed: str
    told: str


class Trial(_Part):
    """The card of one trial."""

    driver: str
    make: str
    model: str
    firmware: str
    """As the pump tells it; empty where it can not."""
    serial_number: str
    simulated: bool
    engineer: str = Field(min_length=1)
    at: str
    """When, ISO 8601."""
    settings: tuple[Setting, ...]
    refusal: str
    """What the pump said when it was asked for what it has not; or why that was not tried."""
    pause_ms: int | None
    """From the pause to the reading that shows it stopped; None where it was not tried."""
    transcript: tuple[str, ...]
    """Every byte, question and answer of it."""

    def covers(self, identity: Identity) -> bool:
        """Return whether it speaks for the pump that answers: same model and firmware, real or simulated.

        A pump that tells no firmware is covered only itself, by its serial number.
        """
        if (identity.make, identity.model, identity.simulated) != (self.make, self.model, self.simulated):
            return False
        if identity.firmware or self.firmware:
            return identity.firmware == self.firmware
        return bool(self.serial_number) and identity.serial_number == self.serial_number

    def proves_pause(self, identity: Identity | None) -> bool:
        """Return whether a running pump like the one that answers was paused, and read back."""
        return identity is not None and self.pause_ms is not None and self.covers(identity)


class SignedTrial(_Part):
    """A trial as its file holds it."""

    key: str
    signature: str
    trial: str
    """The trial as JSON; this text is signed as it stands."""


def signed_by(signer: Signer, trial: Trial) -> str:
    """Return the text of the file."""
    text = trial.model_dump_json()
    signed = SignedTrial(key=signer.public.id, signature=signer.sign_text(PURPOSE, text), trial=text)
    return signed.model_dump_json(indent=1) + "\n"


def trial_in(text: str, key: VerifyingKey) -> Trial:
    """Return the trial of a file; ValueError when it is none, or when ``key`` did not sign it."""
    try:
        signed = SignedTrial.model_validate_json(text)
        if not key.signed_text(PURPOSE, signed.trial, signed.signature):
            raise ValueError("this key did not sign it, or it was changed since")
        return Trial.model_validate_json(signed.trial)
    except ValidationError as error:
        raise ValueError(f"it is no signed trial: {error.errors()[0]['msg'].lower()}") from None
