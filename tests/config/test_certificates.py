"""The dashboard's certificate: what is asked of it before anything starts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate

from pumpd.certificate_files import certificates_in, ends_of_chain, holds_for
from pumpd.certificates import Authority
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.errors import ConfigError
from tests.shown import HOSTS, NAME, show

LIBRARY = Path(__file__).parents[2] / "config" / "drug-library.yaml"
WITH_TLS = "certificate_file: desk.pem, certificate_key_file: desk.key"

pytestmark = pytest.mark.requirement("HTTPS-1")


def write(folder: Path, dashboard: str) -> Path:
    """Write a configuration with this section of the dashboard's."""
    file = folder / "pumpd.yaml"
    file.write_text(
        f"site: clinic\nnode: ward-a\ndata_dir: var\nlibrary: {LIBRARY}\ndashboard: {{{dashboard}}}\n"
        "pumps:\n  - {id: P1, url: 'modbus-tcp://127.0.0.1:5021/1', driver: reference-pump}\n"
    )
    return file


def told(folder: Path, dashboard: str) -> list[tuple[str, str]]:
    """Return what is wrong with it: path and words."""
    try:
        load(write(folder, dashboard))
    except ConfigError as error:
        return [(problem.path, problem.what) for problem in error.problems]
    return []


def test_pages_leave_this_machine_over_tls_and_under_a_name_only(tmp_path):
    """Any other address needs certificate, key and names; a loopback address needs none of them."""
    show(tmp_path)
    assert told(tmp_path, "host: 127.0.0.1") == []
    assert told(tmp_path, f"host: 0.0.0.0, {WITH_TLS}, names: [{NAME}, LOCALHOST, 127.0.0.1]") == []
    in_the_clear = "'0.0.0.0' can be reached by other machines, and pages are served without TLS"
    assert told(tmp_path, "host: 0.0.0.0") == [("dashboard.host", in_the_clear)]
    assert told(tmp_path, "host: 0.0.0.0, proxy: 127.0.0.1, names: [ward.example]") == [
        ("dashboard.host", in_the_clear)
    ]
    nameless = "'0.0.0.0' can be reached by other machines, and no name of the page is said"
    assert told(tmp_path, f"host: 0.0.0.0, {WITH_TLS}") == [("dashboard.names", nameless)]


def test_names_are_for_tls_here_or_at_a_proxy(tmp_path):
    """In the clear a name of another machine's browser would be an address that anybody can read."""
    in_the_clear = "names of other machines' browsers, and pages are served without TLS"
    assert told(tmp_path, f"names: [{NAME}]") == [("dashboard.names", in_the_clear)]
    assert told(tmp_path, f"names: [{NAME}], proxy: 127.0.0.1") == []
    for bad in ("https://ward.example", "ward.example:8443", '""', "a b"):
        assert [path for path, _ in told(tmp_path, f"names: [{bad!r}], proxy: 127.0.0.1")] == [
            "dashboard.names[0]"
        ]


def test_a_certificate_holds_for_the_names_that_people_open(tmp_path):
    """Each name that it does not hold for is told; one star stands for one label."""
    show(tmp_path, ("*.ward.example",))
    assert told(tmp_path, f"{WITH_TLS}, names: [a.ward.example]") == []
    for other in ("ward.example", "b.a.ward.example", "10.0.0.5"):
        words = f"desk.pem does not hold for {other}: every browser would warn"
        assert told(tmp_path, f"{WITH_TLS}, names: [a.ward.example, {other}]") == [("dashboard.names", words)]
    client, _ = Authority.new("test", SystemClock().wall()).vouch(
        "node", (), SystemClock().wall(), SystemClock().wall() + timedelta(days=1)
    )
    assert not holds_for(load_pem_x509_certificate(client), "node")


def test_a_key_that_others_may_read_is_refused(tmp_path):
    """Group or others: either way somebody else could be the dashboard."""
    show(tmp_path)
    for mode in (0o640, 0o604):
        (tmp_path / "desk.key").chmod(mode)
        words = f"desk.key may be read by others (mode {mode:03o})"
        assert told(tmp_path, WITH_TLS) == [("dashboard.certificate_key_file", words)]


def test_files_that_are_missing_alone_or_of_another_pair_are_told_in_words(tmp_path):
    """Each in one line that names the file, and never what the key holds."""
    show(tmp_path)
    show(tmp_path, name="other")
    path = "dashboard.certificate_file"
    alone = [(path, "a certificate is shown only with its key")]
    assert told(tmp_path, "certificate_file: desk.pem") == alone
    assert told(tmp_path, "certificate_key_file: desk.key") == alone
    assert told(tmp_path, "certificate_file: none.pem, certificate_key_file: desk.key") == [
        (path, "none.pem can not be used with desk.key: no such file or directory")
    ]
    ((where, words),) = told(tmp_path, "certificate_file: desk.pem, certificate_key_file: other.key")
    assert where == path
    assert "key values mismatch" in words
    ((where, words),) = told(tmp_path, "certificate_file: desk.pem, certificate_key_file: none.key")
    assert (where, words) == (
        "dashboard.certificate_key_file",
        "none.key can not be read: no such file or directory",
    )


def test_a_key_with_a_passphrase_is_refused_and_nothing_waits_for_one(tmp_path):
    """OpenSSL would ask at the terminal, and a service would stand still for ever."""
    show(tmp_path)
    key = load_pem_private_key((tmp_path / "desk.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush"))
    (tmp_path / "desk.key").write_bytes(locked)
    ((where, words),) = told(tmp_path, WITH_TLS)
    assert where == "dashboard.certificate_file"
    assert words.endswith("the key asks for a passphrase, and nobody is there to type it")


def test_a_chain_ends_with_the_first_of_its_certificates(tmp_path):
    """The authority holds for ten years, what it vouches for for ninety days."""
    now = SystemClock().wall().replace(microsecond=0)
    chain = show(tmp_path, HOSTS, 90, now)
    chain.write_bytes((tmp_path / "ca.pem").read_bytes() + chain.read_bytes())
    assert len(certificates_in(chain)) == 2
    assert ends_of_chain(chain) == now + timedelta(days=90)
