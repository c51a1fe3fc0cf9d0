"""A program of the hospital's own: a pager gateway, a light, a relay."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass

from pumpd.channels.base import SENT_WITHIN_S, Message, refused

SHOWN_BYTES = 200
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments; it gets the message as JSON on its standard input."""

    arguments: tuple[str, ...]

    async def send(self, message: Message) -> None:
        """Run it; any exit status but 0 is a refusal. See ``Channel.send``."""
        said = {"id": message.id, "subject": message.subject, "text": message.text, **message.facts}
        program = self.arguments[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": PATH},
            )
        except OSError as error:
            raise refused(program, error) from None
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                _, complaint = await process.communicate(json.dumps(said).encode())
        except TimeoutError:
            raise refused(program, TimeoutError(f"it did not end within {SENT_WITHIN_S:.0f} s")) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            words = complaint[-SHOWN_BYTES:].decode("utf-8", "replace").strip()
            raise refused(program, ValueError(f"exit status {process.returncode} {words}".strip()))
