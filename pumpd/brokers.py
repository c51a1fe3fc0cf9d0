"""The broker that a configuration names, with what is shown to it and what it must show."""

from __future__ import annotations

from pumpd.config import Config
from pumpd.mqtt import Broker
from pumpd.mqtt_client import Tls


def broker_of(config: Config) -> Broker:
    """Return it; its password is read here and kept nowhere else."""
    mqtt, beside = config.mqtt, config.file.parent
    tls = None
    if mqtt.ca_file:
        certificate = str(beside / mqtt.certificate_file) if mqtt.certificate_file else ""
        key = str(beside / mqtt.certificate_key_file) if mqtt.certificate_key_file else ""
        tls = Tls(str(beside / mqtt.ca_file), certificate, key)
    return Broker(
        mqtt.host,
        mqtt.port,
        username=mqtt.username,
        password=config.mqtt_password() or "",
        keepalive_s=mqtt.keepalive_s,
        tls=tls,
    )
