"""Stands in for the image influxdb:2: the server, and ``influx ping`` for its health check.

It takes the settings of that image which docker-compose.yml gives it: address, TLS, token, directory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from influx_proxy import ProxyServer

BEHIND_PORT = 18086
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{dir}/meta"
[data]
  dir = "{dir}/data"
  wal-dir = "{dir}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


def _tls() -> ssl.SSLContext | None:
    certificate, key = os.environ.get("INFLUXD_TLS_CERT"), os.environ.get("INFLUXD_TLS_KEY")
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def ping() -> int:
    """Return 0 when the server answers here."""
    scheme = "https" if os.environ.get("INFLUXD_TLS_CERT") else "http"
    unchecked = ssl._create_unverified_context()
    try:
        urllib.request.urlopen(f"{scheme}://127.0.0.1:8086/ping", timeout=5, context=unchecked)
    except OSError:
        return 1
    return 0


def serve() -> int:
    """Serve until SIGTERM; the database ends with the proxy, and the proxy with the database."""
    config = Path("/tmp/influxdb.conf")
    config.write_text(CONFIG.format(dir="/var/lib/influxdb2", port=BEHIND_PORT))
    host, _, port = os.environ.get("INFLUXD_HTTP_BIND_ADDRESS", ":8086").rpartition(":")
    token_file = os.environ.get("DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE")
    token = Path(token_file).read_text().strip() if token_file else ""
    proxy = ProxyServer(BEHIND_PORT, (host or "0.0.0.0", int(port)), token)
    tls = _tls()
    if tls is not None:
        proxy.socket = tls.wrap_socket(proxy.socket, server_side=True, do_handshake_on_connect=False)
    database = subprocess.Popen(["influxd", "run", "-config", str(config)])

    def end(*_: object) -> None:
        threading.Thread(target=proxy.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    threading.Thread(target=lambda: (database.wait(), end()), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        proxy.serve_forever(0.1)
    database.terminate()
    return database.wait()


if __name__ == "__main__":
    sys.exit(ping() if sys.argv[1:2] == ["ping"] else serve())
