import { expect, test } from "vitest";
import { timeLeft, volumeLeft } from "../src/progress";
import { card } from "./canned";

const reading = card().reading!;

test("what is left is what the pump says, else the order less what was delivered", () => {
  expect(volumeLeft(reading, "50")).toBe(21);
  expect(volumeLeft({ ...reading, vtbi_ml: null }, "50")).toBeCloseTo(37.6);
  expect(volumeLeft({ ...reading, vtbi_ml: null }, "10")).toBe(0);
  expect(volumeLeft({ ...reading, vtbi_ml: null }, null)).toBeNull();
});

test("how long it takes at this flow, and nothing when it does not flow", () => {
  expect(timeLeft(reading, 21)).toBe("2\u00a0h\u00a000\u00a0min left");
  expect(timeLeft({ ...reading, flow_ml_h: "0" }, 21)).toBe("");
  expect(timeLeft({ ...reading, flow_ml_h: null }, 21)).toBe("");
  expect(timeLeft(reading, 0)).toBe("");
});

test("it takes no longer than the order lasts", () => {
  expect(timeLeft(reading, 21, 3600)).toBe("1\u00a0h\u00a000\u00a0min left");
  expect(timeLeft(reading, 21, 7201)).toBe("2\u00a0h\u00a000\u00a0min left");
  expect(timeLeft(reading, 21, 0)).toBe("");
});

test("no long time stands beside an end that is near", () => {
  expect(timeLeft(reading, 21, null, true)).toBe("");
  expect(timeLeft(reading, 1.75, null, true)).toBe("10\u00a0min left");
});
