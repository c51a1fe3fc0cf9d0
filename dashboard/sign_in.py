"""The dashboard's door: name and password, name and PIN, a screen's code; each guess is counted first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dashboard.accounts import Secrets
from dashboard.attempts import Held, What
from dashboard.devices import DeviceKind
from dashboard.grants import Grants
from dashboard.hashing import digest
from dashboard.people import Account, same_signs
from dashboard.people_log import Event
from dashboard.people_store import PeopleStore
from dashboard.visitor import Standing, Tokens, Visitor
from pumpd.clock import Clock

HASHES_AT_ONCE = 2
"""Each takes 64 MiB for a tenth of a second."""
WAITING_AT_MOST = 16

WRONG = "Name or password is wrong."
WRONG_PIN = "Name or PIN is wrong."
WRONG_CODE = "This is no code of a screen, or no longer: a code is good for a day, and once."
BUSY = "Many people sign in just now. Try again in a moment."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody was not let in; the words tell nothing of what was wrong."""

    words: str
    wait_s: int = 0
    """When to try again; 0: no time was said."""
    busy: bool = False


def _held(held: Held, secret: str) -> Refusal:
    if held.wait_s == 0:
        return Refusal(f"Too many wrong attempts. An admin must set a new {secret}.")
    minutes, seconds = divmod(held.wait_s, 60)
    wait = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return Refusal(f"Too many wrong attempts. Try again in {wait}.", held.wait_s)


def _why(found: Secrets | None, *, agrees: bool) -> str:
    """Return what an admin wants to know of a failure; nobody else hears it."""
    if found is None:
        return "no account has this name"
    if not agrees:
        return ""
    return "disabled" if found.account.disabled else "an account of the demo, beside a real pump"


class People:
    """What the running dashboard asks of its accounts. Slow work is done in threads, never in the loop."""

    def __init__(self, store: PeopleStore, clock: Clock, *, demo_allowed: bool = False) -> None:
        self.store = store
        self._grants = Grants(clock)
        self._demo_allowed = demo_allowed
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._waiting = 0

    def visitor(self, tokens: Tokens) -> Visitor:
        """Return who asks; a session that lives stands above a screen, a screen above what is left of one."""
        session = self.store.sessions.find(tokens.session)
        device = self.store.devices.find(tokens.device)
        if session is not None and (session.account.demo and not self._demo_allowed):
            session = None
        if session is not None and not session.over:
            place = digest(tokens.session).hex()
            return Visitor(Standing.PERSON, session.account, device, session.ends_ms, place)
        if device is not None:
            standing = Standing.WALL if device.kind is DeviceKind.WALL else Standing.SHARED
            return Visitor(standing, None, device, place=digest(tokens.device).hex())
        if session is not None:
            return Visitor(Standing.ENDED, session.account, None, session.ends_ms)
        return Visitor()

    async def sign_in(self, name: str, password: str, address: str, instead_of: str) -> str | Refusal:
        """Return the token of a new session."""
        async with self._turn() as taken:
            if not taken:
                return Refusal(BUSY, 1, busy=True)
            return await asyncio.to_thread(self._sign_in, name, password, address, instead_of)

    def _sign_in(self, name: str, password: str, address: str, instead_of: str) -> str | Refusal:
        account = self._proven(What.PASSWORD, name, same_signs(password), address)
        if isinstance(account, Refusal):
            return account
        token = self.store.sessions.begin(account, instead_of)
        self.store.log.add(Event.SIGNED_IN, account.name, address)
        return token

    async def take_pin(
        self, name: str, pin: str, visitor: Visitor, address: str
    ) -> tuple[str, Account] | Refusal:
        """Return a grant for what the PIN's owner does at this screen in the next minute, and who that is."""
        async with self._turn() as taken:
            if not taken:
                return Refusal(BUSY, 1, busy=True)
            account = await asyncio.to_thread(self._proven, What.PIN, name, pin, address)
        if isinstance(account, Refusal):
            return account
        where = visitor.device.name if visitor.device else address
        await asyncio.to_thread(self.store.log.add, Event.PIN_TAKEN, account.name, where)
        return self._grants.make(account.number, visitor.place), account

    def granted(self, token: str, visitor: Visitor) -> Account | None:
        """Return whose PIN was typed for this grant, at this screen and less than a minute ago."""
        if not token or not visitor.place:
            return None
        number = self._grants.number(token, visitor.place)
        account = None if number is None else self.store.accounts.numbered(number)
        return None if account is None or not self._may_come(account) else account

    async def sign_out(self, tokens: Tokens, address: str) -> None:
        """End the session, picture and all."""
        session = self.store.sessions.find(tokens.session)
        if session is not None:
            await asyncio.to_thread(self.store.sessions.end, tokens.session)
            await asyncio.to_thread(self.store.log.add, Event.SIGNED_OUT, session.account.name, address)

    async def let_in(self, code: str, address: str) -> str | Refusal:
        """Return the token of the screen whose code was typed."""
        return await asyncio.to_thread(self._let_in, code, address)

    def _let_in(self, code: str, address: str) -> str | Refusal:
        held = self.store.attempts.begin(What.ADDRESS, "", address)
        if held is not None:
            return _held(held, "code")
        token = self.store.devices.let_in(code, address)
        if token is None:
            return Refusal(WRONG_CODE)
        self.store.attempts.succeeded(What.ADDRESS, "", address)
        return token

    def is_demo(self) -> bool:
        """Return whether there are accounts of the demo, and they are let in."""
        return self._demo_allowed and any(account.demo for account in self.store.accounts.all())

    async def was_active(self, tokens: Tokens) -> None:
        """Note that a person did something in this session."""
        await asyncio.to_thread(self.store.sessions.was_active, tokens.session)

    def _may_come(self, account: Account) -> bool:
        return not account.disabled and (self._demo_allowed or not account.demo)

    def _proven(self, what: What, name: str, secret: str, address: str) -> Account | Refusal:
        """Return whose secret it is; a name that there is not takes as long, and the same words."""
        noun = "password" if what is What.PASSWORD else "PIN"
        held = self.store.attempts.begin(what, name, address)
        if held is not None:
            return _held(held, noun)
        found = self.store.accounts.secrets(name)
        kept = "" if found is None else found.password if what is What.PASSWORD else found.pin
        agrees = self.store.hasher.agrees(kept, secret)
        if found is not None and agrees and self._may_come(found.account):
            self.store.attempts.succeeded(what, name, address)
            return found.account
        who = found.account.name if found else ""
        self.store.log.add(
            Event.SIGN_IN_FAILED if what is What.PASSWORD else Event.PIN_FAILED,
            who,
            address,
            _why(found, agrees=agrees),
        )
        after = self.store.attempts.after(what, name)
        if after is None:
            return Refusal(WRONG if what is What.PASSWORD else WRONG_PIN)
        event = Event.THROTTLED if after.wait_s else Event.LOCKED
        self.store.log.add(event, who, address, f"{noun}, {after.wait_s} s" if after.wait_s else noun)
        return _held(after, noun)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """Yield whether it is taken on: so many hashes at once, so many waiting, no more."""
        if self._waiting >= WAITING_AT_MOST:
            yield False
            return
        self._waiting += 1
        try:
            async with self._hashing:
                yield True
        finally:
            self._waiting -= 1
