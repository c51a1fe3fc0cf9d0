import { describe, expect, test, vi } from "vitest";
import { card } from "./canned";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined });
const { canPause, pauseRequest } = await import("../src/pause-pump");
const { channelTest } = await import("../src/contacts");

const gate = { may_pause: true, enforcement: "pause", library_signed: true, library_allows: "pause", pause_proven: true, phase: "idle" } as const;
const reading = (status: string) => ({ ...card().reading!, status });

describe("[DASH-10] a pause that a nurse asks for", () => {
  test("is offered only where pumpd may pause the pump", () => {
    expect(canPause(card({ restraint: gate }), "fresh")).toBe(true);
    expect(canPause(card({ restraint: { ...gate, may_pause: false } }), "fresh")).toBe(false);
    expect(canPause(card(), "fresh")).toBe(false);
  });

  test("is not offered for a pump that stands, and is for one that may have been started since", () => {
    for (const status of ["stopped", "paused", "standby"]) {
      expect(canPause(card({ restraint: gate, reading: reading(status) }), "fresh")).toBe(false);
      expect(canPause(card({ restraint: gate, reading: reading(status) }), "stale")).toBe(true);
    }
    for (const status of ["running", "bolus", "kvo", "unknown"]) {
      expect(canPause(card({ restraint: gate, reading: reading(status) }), "fresh")).toBe(true);
    }
  });

  test("names the pump, the daemon that was on the screen and why, and nothing else", () => {
    const at = card({ node: "ward-a", boot_id: "b00t" });
    expect(pauseRequest(at, "Too fast")).toEqual({
      path: "pause-pump",
      body: { node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1", reason: "Too fast" },
    });
  });
});

describe("[DASH-11] a test of who can be called", () => {
  test("names the contact, and waits longer than for a pump", () => {
    const status = { node: "ward-a", boot_id: "b00t" } as Parameters<typeof channelTest>[0];
    expect(channelTest(status, "charge nurse")).toEqual({
      path: "test-channel",
      body: { node: "ward-a", boot_id: "b00t", contact: "charge nurse" },
      waitMs: 14_000,
    });
  });
});
