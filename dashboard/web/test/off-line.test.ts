import { describe, expect, test, vi } from "vitest";
import { nurseAlarms, offLine, rank } from "../src/order";
import { alarm, card } from "./canned";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined });
const { offLineRequest } = await import("../src/off-line");

const off = alarm({ condition: "off-line", priority: "LOW", title: "Off the line until 16:00: being cleaned" });

describe("[DASH-8] a pump that is off the line", () => {
  test("calls nobody, and stands last though it is silent", () => {
    const away = card({ alarms: [off], reading: null });
    expect(offLine(away)).toBe(off);
    expect(nurseAlarms(away.alarms)).toEqual([]);
    expect(rank(away, "lost").group).toBe("free");
  });

  test("but any other alarm of it is told as ever", () => {
    const delivers = alarm({ condition: "off-line-delivers" });
    expect(nurseAlarms([off, delivers])).toEqual([delivers]);
    expect(rank(card({ alarms: [off, delivers] }), "lost").group).toBe("alarm");
  });

  test("is asked for with an end and a reason, and put back with 0 seconds", () => {
    const at = card({ node: "ward-a", boot_id: "b00t" });
    expect(offLineRequest(at, 3600, "being cleaned")).toEqual({
      path: "off-line",
      body: { node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1", for_s: 3600, reason: "being cleaned" },
    });
  });
});
