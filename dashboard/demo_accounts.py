"""The demo's accounts: everybody may know them, so none of them is let in beside a real pump."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.people_store import PeopleStore
from pumpd.contract.roles import Role


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One of them."""

    name: str
    role: Role
    password: str
    pin: str

    def told(self) -> dict[str, str]:
        """Return what the sign-in page of a demo shows."""
        return {"name": self.name, "role": self.role.value, "password": self.password, "pin": self.pin}


DEMO_ACCOUNTS = (
    DemoAccount("A. Nurse", Role.NURSE, "demo ward night", "2580"),
    DemoAccount("C. Second", Role.NURSE, "demo ward round", "1470"),
    DemoAccount("P. Pharmacist", Role.PHARMACIST, "demo drug library", "3690"),
    DemoAccount("E. Engineer", Role.ENGINEER, "demo serial line", "7410"),
    DemoAccount("V. Viewer", Role.VIEWER, "demo looking only", "9630"),
    DemoAccount("M. Admin", Role.ADMIN, "demo all accounts", "8520"),
)


def add_demo_accounts(store: PeopleStore) -> None:
    """Make them in a store of a demo."""
    for each in DEMO_ACCOUNTS:
        store.accounts.add(each.name, each.role, (), each.password, "pumpd demo", demo=True)
        store.accounts.set_pin(each.name, each.pin, "pumpd demo")
