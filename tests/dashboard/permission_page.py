"""docs/permissions.md from the table: ``python -m tests.dashboard.permission_page`` writes it anew."""

from __future__ import annotations

from dashboard.page import FrameKind
from dashboard.permissions import RULES, SOCKET, Rule
from dashboard.stream import FROM_PAGES
from dashboard.visitor import Standing
from pumpd.contract.roles import MAY_ASK, Role
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "permissions.md"
STANDINGS = (Standing.NOBODY, Standing.WALL, Standing.SHARED, Standing.ENDED)
HEAD = ("nobody", "wall screen", "shared screen", "sign-in ended", *Role)


def cells(rule: Rule) -> list[str]:
    """Return who may by this row: yes, PIN or nothing."""
    anonymous = []
    for standing in STANDINGS:
        by_pin = standing is Standing.SHARED and rule.pin
        anonymous.append("yes" if standing in rule.standings else "PIN" if by_pin else "")
    everyone = Standing.PERSON in rule.standings
    return anonymous + ["yes" if everyone or role in rule.roles else "" for role in Role]


def table(first: str, rows: list[tuple[str, list[str]]]) -> list[str]:
    """Return a table of who may."""
    lines = [f"| {first} | " + " | ".join(HEAD) + " |", "|---" * (len(HEAD) + 1) + "|"]
    return [*lines, *(f"| {name} | " + " | ".join(row) + " |" for name, row in rows)]


def page() -> str:
    """Return the whole page."""
    routes = [(f"`{method} {path}`", cells(rule)) for (method, path), rule in sorted(RULES.items())]
    stream = RULES[SOCKET, "/stream"]
    messages = [(f"`{kind}` to the page", cells(stream)) for kind in FrameKind]
    messages += [(f"`{key}` from the page", cells(stream)) for key in FROM_PAGES]
    verbs = [
        (f"`{verb}`", [*[""] * len(STANDINGS), *("yes" if role in roles else "" for role in Role)])
        for verb, roles in MAY_ASK.items()
    ]
    return "\n".join(
        [
            "# Who may do what?",
            "",
            "Written by `python -m tests.dashboard.permission_page` from `dashboard/permissions.py` and",
            "`pumpd/contract/roles.py`. A test asks for every cell. A route without a row is",
            "reached by nobody.",
            "What the columns are stands in [people.md](people.md).",
            "",
            "## Routes of the dashboard",
            "",
            "*PIN*: at a shared screen, with the name and PIN of somebody whose role may.",
            "",
            *table("route", routes),
            "",
            "## Messages of the WebSocket",
            "",
            "No message asks for anything: what a person does goes over the routes above.",
            "",
            *table("message", messages),
            "",
            "## Verbs of MQTT",
            "",
            "The daemon judges these itself, whatever a dashboard let through. Only a dashboard asks, in the",
            "name of a person with a role.",
            "",
            *table("verb", verbs),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
