"""Verbs about accounts: user add, list, password, pin, role, wards, disable, enable, log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_words import out
from pumpd.contract.roles import Role

if TYPE_CHECKING:
    from dashboard.people_store import PeopleStore

user = typer.Typer(help="Look after accounts: who may sign in to the dashboard.", rich_markup_mode=None)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name that is signed in with, and shown.")
]


def _role(text: str) -> Role:
    """Return the role of that name; BadParameter, with those that there are, for any other."""
    try:
        return Role(text)
    except ValueError:
        near = get_close_matches(text, list(Role), n=1)
        remedy = f"; did you mean {near[0]}?" if near else ""
        raise typer.BadParameter(f"there is no role {text!r}; allowed: {', '.join(Role)}{remedy}") from None


RoleOption = Annotated[
    Role, typer.Option("--role", metavar="ROLE", parser=_role, help=f"What it may do: {', '.join(Role)}.")
]
WardsOption = Annotated[
    list[str] | None,
    typer.Option("--ward", metavar="WARD", help="Where it may act; again for more, none: everywhere."),
]
_LONGEST_LINE = 4096
"""Characters; more than any secret may have."""
SecretOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Read it from the first line of a file; - is standard input.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(user, name="user", no_args_is_help=True)


@user.callback()
def _user() -> None:
    """Look after accounts and screens: who may see and ask what on the dashboard."""


@contextlib.contextmanager
def people_store(config: Path) -> Iterator[PeopleStore]:
    """Yield the accounts of a configuration; BadParameter, in words, for what can not be taken."""
    from dashboard.people import RefusedSecretError
    from dashboard.people_store import PeopleStore
    from pumpd.clock import SystemClock
    from pumpd.config import load

    found = load(config)
    place = (found.site, found.node, *(pump.ward for pump in found.pumps))
    store = PeopleStore(found.people_file, SystemClock(), place=place)
    try:
        yield store
    except RefusedSecretError as error:
        raise typer.BadParameter(str(error)) from None
    finally:
        store.close()


def operator() -> str:
    """Return who types, for the log."""
    import getpass

    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a container's number without a name
        return "command line"


def read_secret(what: str, file: Path | None) -> str:
    """Return a secret typed twice, unseen, or the first line of a file; it is never an argument."""
    if file is None:
        if not sys.stdin.isatty():
            raise typer.BadParameter(
                f"there is no terminal to type the {what} at: give --from FILE, or --from -"
            )
        return str(typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=True))
    try:
        if str(file) == "-":
            line = sys.stdin.readline(_LONGEST_LINE)
        else:
            with file.open(encoding="utf-8") as source:
                line = source.readline(_LONGEST_LINE)
        line.encode()
    except UnicodeError:  # whose words quote the secret
        raise typer.BadParameter(f"the {what} in {file} is no text in UTF-8: write it so") from None
    except OSError as error:
        said = f"{file} can not be read: {str(error.strerror).lower()}"
        remedy = f"name a file whose first line is the {what}, or - for standard input"
        raise typer.BadParameter(f"{said}; {remedy}", param_hint="--from") from None
    return line.removesuffix("\n").removesuffix("\r").removeprefix("\ufeff")


def _say_of_wards(config: Path, wards: Iterable[str]) -> None:
    """Tell of a ward that no pump of the file is in: most often it is spelt otherwise."""
    from pumpd.config import load

    for ward in sorted(set(wards) - {pump.ward for pump in load(config).pumps}):
        out().print(f"note: no pump of {config} is in the ward {ward!r}; wards are compared letter by letter")


@user.command("add")
def add(
    name: NameArgument,
    config: ConfigOption,
    role: RoleOption,
    ward: WardsOption = None,
    secret: SecretOption = None,
) -> None:
    """Make an account; the password is asked for, or read from a file."""
    with people_store(config) as store:
        store.accounts.add(name, role, ward or (), read_secret("password", secret), operator())
    out().print(f"{name} may sign in as {role}; for shared screens give a PIN with: pumpd user pin")
    _say_of_wards(config, ward or ())


@user.command("list")
def list_accounts(config: ConfigOption) -> None:
    """List every account: role, wards, whether it has a PIN, whether it is disabled."""
    with people_store(config) as store:
        accounts = store.accounts.all()
    for each in accounts:
        wards = [ward or "(no ward)" for ward in sorted(each.wards)] or ["every ward"]
        words = [each.role.value, *wards]
        words += ["PIN" if each.has_pin else "no PIN", *(["DEMO"] if each.demo else [])]
        out().print(f"{each.name}: {', '.join([*words, *(['DISABLED'] if each.disabled else [])])}")
    out().print(f"{len(accounts)} account{'' if len(accounts) == 1 else 's'}")


@user.command("password")
def password(name: NameArgument, config: ConfigOption, secret: SecretOption = None) -> None:
    """Give an account another password; its sessions end, and a lock is taken off."""
    with people_store(config) as store:
        account = store.accounts.named(name)
        store.accounts.set_password(name, read_secret("password", secret), operator())
    out().print(f"{account.name} has another password; nobody is signed in with the old one")


@user.command("pin")
def pin(
    name: NameArgument,
    config: ConfigOption,
    secret: SecretOption = None,
    none: Annotated[bool, typer.Option("--none", help="Take the PIN away.")] = False,
) -> None:
    """Give an account another PIN for shared screens and second checks; a lock is taken off."""
    with people_store(config) as store:
        account = store.accounts.named(name)
        store.accounts.set_pin(name, "" if none else read_secret("PIN", secret), operator())
    out().print(f"{account.name} has {'no' if none else 'another'} PIN")


@user.command("role")
def role(
    name: NameArgument,
    role: Annotated[Role, typer.Argument(metavar="ROLE", parser=_role)],
    config: ConfigOption,
) -> None:
    """Give an account another role, at once."""
    with people_store(config) as store:
        store.accounts.set_role(name, role, operator())
    out().print(f"{name} is {role}")


@user.command("wards")
def wards(
    name: NameArgument,
    config: ConfigOption,
    ward: Annotated[list[str] | None, typer.Argument(metavar="WARD...", help="None: everywhere.")] = None,
) -> None:
    """Say on which wards an account may act; looking is not bound to wards."""
    with people_store(config) as store:
        store.accounts.set_wards(name, ward or (), operator())
    out().print(f"{name} may act on {', '.join(sorted(set(ward or ()))) or 'every ward'}")
    _say_of_wards(config, ward or ())


@user.command("disable")
def disable(name: NameArgument, config: ConfigOption) -> None:
    """Let an account in no more; its sessions end at once. Its name stays in the journal."""
    with people_store(config) as store:
        store.accounts.set_disabled(name, operator(), disabled=True)
    out().print(f"{name} can not sign in")


@user.command("enable")
def enable(name: NameArgument, config: ConfigOption) -> None:
    """Let an account that was disabled in again."""
    with people_store(config) as store:
        store.accounts.set_disabled(name, operator(), disabled=False)
    out().print(f"{name} may sign in")


@user.command("log")
def log(
    config: ConfigOption,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=100_000, help="How many, newest last.")
    ] = 100,
) -> None:
    """Tell what was done by and to accounts and screens: when, what, whose, and by whom or from where."""
    with people_store(config) as store:
        found = store.log.lines(lines)
    for line in found:
        detail = f" ({line.detail})" if line.detail else ""
        who = line.who or "somebody unknown"
        out().print(f"{line.at.isoformat(timespec='seconds')}  {line.event}: {who}, by {line.by}{detail}")
