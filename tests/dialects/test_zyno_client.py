"""The maker's own client on a simulated Zyno pump: everything that it offers and the pump knows."""

from __future__ import annotations

import inspect
import struct
from types import SimpleNamespace

import pytest
import serial
from pyZynoUnifiedDrivers.miva import module_miva

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import PeerPort, perform, tell

pytestmark = pytest.mark.requirement("DIAL-2")

FIXED = {
    "get_pump_sn": "'SN800008'",
    "get_firmware_version": "'1.0'",
    "get_library_name_version": "{'name': 'PUMPD', 'version': '1.0'}",
    "read_platform": "'K'",
    "read_pump_time": "'F0000000'",
    "get_total_volume_infused": "0.0",
    "get_battery_voltage": "4.0",
    "get_product_life_volume": "{'calibration': 4600, 'rotation': 0, 'volume': 0.0}",
    "get_total_pump_on_time": "0",
    "get_battery_calibration_and_voltage": "{'calibration': 1.0, 'voltage': 4.0}",
    "get_occlusion_sensor": "{'up': 255, 'down': 255}",
    "get_infusion_mode": "'CONT'",
    "get_infusion_time": "0",
    "get_infusion_rate_unit": "'ML/HR'",
    "get_infusion_vinf": "0.0",
    "get_infusion_vtbi": "40.0",
    "get_bolus_rate": "0.0",
    "get_bolus_vinf": "0.0",
    "get_bolus_vtbi": "1.0",
    "get_protocol_rate_unit": "'ML/HR'",
    "get_protocol_vtbi": "40.0",
    "get_protocol_time": "14400",
    "get_protocol_time_unit": "'HR'",
    "get_protocol_bolus_rate": "200.0",
    "enable_s9_command": "True",
    "disable_s9_command": "True",
    "trigger_stop_infusion": "True",
}
"""What it makes of the replies of a pump that stands, and can not make of none."""
CHANGING = {
    "get_protocol_auto_bolus_vtbi": (),
    "get_protocol_demand_bolus_vtbi": (),
    "is_bolus_running": (),
    "get_all_sensor": (),
    "get_eventlog_list": (2,),
    "read_event_log_indices": (),
    "read_single_event_log": (0,),
    "read_multiple_event_log": (1,),
    "read_range_event_log": (-1, 0),
    "read_infusion_data_log": (0, 1),
    "search_event": ("POWER_ON",),
    "query": (":INFU:RATE?",),
    "write": ("W00",),
    "read": (),
    "send_command": (":INFU:RUN?",),
    "press_key": ("4", "0"),
    "input_digits": ("5",),
    "reset_battery": (),
}
"""What depends on what happened, with its arguments."""
NOT_KNOWN = {
    *(
        "get_base_year",
        "get_motor_calibration_factor",
        "get_occlusion_thresholds",
        "write_calibration_factors",
    ),
    *("get_screenshot_hex", "get_screenshot_hex_list", "parse_occlusion_calibration_factors"),
    *("set_battery_calib", "set_motor_calibration_factor", "set_occlusion_calibration_factors"),
    *("set_occlusion_thresholds", "set_pump_sn", "reset_pump", "write_platform", "write_pump_time"),
    *("write_aes_encrypt_key", "generate_rx", "save_rx", "send_rx", "send_rx_confirm", "send_rx_initialize"),
    *("send_rx_protocol", "send_library", "send_library_authorize", "send_library_begin"),
    *("send_library_erase", "send_library_reset", "send_library_write"),
}
"""Calibration, screens, settings, prescriptions and libraries: a pump that is only watched needs none."""
BY_MENU = {
    *("return_top", "run_clinician_dose", "run_protocol", "select_parameter", "select_protocol"),
    "set_parameter_value",
}
"""Keys in the order of the menus of a library that has been loaded."""
OF_ITS_OWN = {
    *("start", "close", "read_line", "trigger_power_off", "trigger_run_infusion"),
    *(f"{verb}_{what}_monitor" for verb in ("run", "stop") for what in ("event_log", "infusion")),
    *("check_event_log_monitor_status", "check_infusion_monitor_status", "check_socket_server_status"),
    *("run_socket_server", "stop_socket_server"),
}
"""Threads and servers of its own, and what is tried by itself below."""


class ZynoPort(PeerPort):
    """A port with the further methods that this client uses; nothing waits longer than its time-out."""

    def readline(self) -> bytes:
        """Return what waits."""
        return self.read(999)

    def read_all(self) -> bytes:
        """Return what waits."""
        return self.read(999)


@pytest.fixture
def peer(monkeypatch, tmp_path):
    """The client, and the simulated pump behind its port; it writes a file where it is started."""
    port = ZynoPort("zyno-miva", 1, raises_on_silence=False)
    port.face.texts["serial_number"] = "SN800008"  # it takes capitals and digits alone
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module_miva.time, "sleep", lambda _: None)
    shown = SimpleNamespace(**{name: getattr(serial, name) for name in dir(serial) if name.isupper()})
    shown.Serial, shown.SerialException = (lambda *_, **__: port), serial.SerialException
    monkeypatch.setattr(module_miva, "serial", shown)
    return module_miva.Miva("/dev/ttyUSB0"), port


def operations(client):
    """Return everything it offers that the simulated pump knows."""
    asked = {name: getattr(client, name) for name in FIXED}
    return asked | {
        name: (lambda name=name, given=given: getattr(client, name)(*given))
        for name, given in CHANGING.items()
    }


def test_zynos_client_does_all_that_it_offers(peer):
    """Before and after an alarm, a refusal and a silence; what it offers is all sorted."""
    client, port = peer
    public = {name for name, _ in inspect.getmembers(client, inspect.ismethod) if not name.startswith("_")}
    assert public == {*FIXED, *CHANGING, *NOT_KNOWN, *BY_MENU, *OF_ITS_OWN}
    well = perform(operations(client))
    tell("pyZynoUnifiedDrivers", "well", well)
    assert {name: well[name] for name in FIXED} == FIXED
    assert not [said for said in well.values() if said.endswith(("Error", "Exception"))]
    assert (well["send_command"], well["query"], well["get_eventlog_list"]) == (
        "False",
        "'0.00'",
        "['POWER_ON']",
    )
    assert client.trigger_run_infusion()
    assert port.model.status is PumpStatus.RUNNING
    port.pass_s(360)
    assert (client.send_command(":INFU:RUN?"), client.send_command(":INFU:RATE?")) == (True, 10.0)
    assert client.get_infusion_vinf() == pytest.approx(1, abs=0.02)
    assert client.get_all_sensor()["motor_running"] == 1
    port.model.raise_alarm(PumpAlarm.OCCLUSION)
    alarmed = perform(operations(client))
    tell("pyZynoUnifiedDrivers", "after an alarm", alarmed)
    assert alarmed["get_eventlog_list"] == "['RUN_INFUSION', 'OCCLUSION_ALARM', 'DOWNSTREAM_OCCLUSION']"
    assert alarmed["send_command"] == "False"
    port.model.press_clear()
    assert client.get_eventlog_list(1) == ["OCCLUSION_ALARM", "OCCLUSION_CLEARED"]
    port.line.faults.add(1, Fault(FaultKind.EXCEPTION, exception_code=1))
    refused = perform(operations(client))
    tell("pyZynoUnifiedDrivers", "refused", refused)
    assert not [name for name in FIXED if refused[name] == FIXED[name]]
    port.line.faults.clear(1)
    port.line.faults.add(1, Fault(FaultKind.SILENCE))
    silent = perform(operations(client))
    tell("pyZynoUnifiedDrivers", "silent", silent)
    assert not [name for name in FIXED if silent[name] == FIXED[name] and name != "read_platform"]
    port.line.faults.clear(1)
    again = perform(operations(client))
    tell("pyZynoUnifiedDrivers", "again", again)
    assert again["get_pump_sn"] == FIXED["get_pump_sn"]
    assert client.trigger_power_off()
    assert client.get_pump_sn() == ""
    client.close()
    assert not port.is_open


def test_it_reads_the_log_as_we_do(peer):
    """Kind, sub-type and time of each event; the stop it sends is the one that we send."""
    client, port = peer
    client.trigger_run_infusion()
    port.pass_s(80)
    client.trigger_stop_infusion()
    port.pass_s(0)
    port.face.note(9, 2, struct.pack(">f", 1.5))
    paused, blocked = client.read_multiple_event_log(2)
    assert (paused["event_type"], blocked["event_type"]) == ("INFUSION_PAUSED", "OCCLUSION_ALARM")
    assert blocked["sub_type"] == "DOWNSTREAM_OCCLUSION"
    assert module_miva.get_time_stamp(client.read_single_event_log(3)[10:]) == 80
    assert port.model.status is PumpStatus.PAUSED
    assert bytes.fromhex("02 57 54 30 32 30 44 03") in port.sent
