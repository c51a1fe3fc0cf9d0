"""Asks the control of a simulated ward on this machine. It speaks HTTP to that alone, never to a pump."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from pumpd.errors import ConfigError, DeviceRefusedError, Problem, TransportError
from pumpd.simulator.control_place import ControlPlace

ANSWERS_WITHIN_S = 10.0
_THE_PUMP_SAID_NO = 409


def ask(place: ControlPlace, path: str, body: object = None) -> dict[str, Any]:
    """Return what the ward answers to a GET, or with ``body`` to a POST.

    ConfigError when it was asked wrongly, DeviceRefusedError when the pump does not take it now,
    TransportError when nobody answers.
    """
    connection = HTTPConnection(place.host, place.port, timeout=ANSWERS_WITHIN_S)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        status = response.status
    except (OSError, HTTPException, ValueError) as error:
        raise TransportError(
            f"no simulated ward answers at {place}: {error}; start one with pumpd simulate --control {place}"
        ) from error
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise TransportError(f"what answers at {place} is no simulated ward; check --at")
    found: dict[str, Any] = answer
    if problems := found.get("problems"):
        try:
            told = tuple(
                Problem(str(place), 0, one["where"], one["what"], one["allowed"], one["remedy"])
                for one in problems
            )
        except (LookupError, TypeError):
            raise TransportError(f"what answers at {place} is no simulated ward; check --at") from None
        if status == _THE_PUMP_SAID_NO:
            raise DeviceRefusedError(f"{told[0].path}: the pump refused: {told[0].what}")
        raise ConfigError(told)
    if found.get("simulated") is not True and "serial_number" not in found:
        raise TransportError(f"what answers at {place} is no simulated ward; check --at")
    return found
