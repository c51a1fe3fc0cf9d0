import { describe, expect, test, vi } from "vitest";
import { decimalsOf, doseDecimals, number, span, timeOfDay, unit } from "../src/format";

describe("numbers", () => {
  test.each([
    [".5", 3, "0.5"],
    ["5.0", 3, "5"],
    ["0.30", 3, "0.3"],
    ["10.50", 1, "10.5"],
    ["1234.5", 1, "1234.5"],
    ["12345", 0, "12\u2009345"],
    ["1234567.25", 2, "1\u2009234\u2009567.25"],
    ["-0.5", 1, "\u22120.5"],
    ["-0.001", 1, "0"],
    ["0.96", 1, "1"],
    ["100", 0, "100"],
    ["words", 1, "?"],
    ["NaN", 1, "?"],
    ["Infinity", 1, "?"],
  ])("%s with %i decimals is %s", (text, decimals, shown) => {
    expect(number(text, decimals)).toBe(shown);
  });

  test.each([
    ["0.1", 1],
    ["0.01", 2],
    ["1", 0],
    ["5", 0],
    ["0.05", 2],
    [undefined, 3],
    ["0", 3],
  ])("a pump that resolves %s shows %i decimals", (step, decimals) => {
    expect(decimalsOf(step)).toBe(decimals);
  });

  test("a dose has no decimals finer than what a step of the pump changes", () => {
    expect(doseDecimals("10.5", "0.3", "0.1")).toBe(2);
    expect(doseDecimals("10", "1", "0.1")).toBe(2);
    expect(doseDecimals("10", "20", "1")).toBe(0);
    expect(doseDecimals("0", "0", "0.1")).toBe(3);
    expect(doseDecimals(null, null, "0.1")).toBe(3);
  });
});

describe("times", () => {
  test.each([
    [0, "0\u00a0s"],
    [12_999, "12\u00a0s"],
    [60_000, "1\u00a0min"],
    [3_599_999, "59\u00a0min"],
    [3_900_000, "1\u00a0h\u00a005\u00a0min"],
    [200_000_000, "2\u00a0days"],
    [-5, "0\u00a0s"],
  ])("%i ms is %s", (ms, words) => {
    expect(span(ms)).toBe(words);
  });

  test("a time of day is the screen's own clock, and nonsense is no time", () => {
    const at = new Date(2026, 4, 4, 14, 2, 3);
    expect(timeOfDay(at.toISOString())).toBe("14:02");
    expect(timeOfDay(at.toISOString(), true)).toBe("14:02:03");
    expect(timeOfDay("soon")).toBe("?");
  });

  test.each([
    ["2026-10-24T23:59:59Z", "01:59"],
    ["2026-10-25T00:00:00Z", "02:00 (1st)"],
    ["2026-10-25T00:59:59Z", "02:59 (1st)"],
    ["2026-10-25T01:00:00Z", "02:00 (2nd)"],
    ["2026-10-25T01:59:59Z", "02:59 (2nd)"],
    ["2026-10-25T02:00:00Z", "03:00"],
    ["2026-03-29T00:59:59Z", "01:59"],
    ["2026-03-29T01:00:00Z", "03:00"],
  ])("%s is %s where clocks go back that night", (iso, words) => {
    vi.stubEnv("TZ", "Europe/Zurich");
    expect(timeOfDay(iso)).toBe(words);
    vi.unstubAllEnvs();
  });

  test("units are written as people write them", () => {
    expect(unit("ug/kg/min")).toBe("µg/kg/min");
    expect(unit("mg/kg/h")).toBe("mg/kg/h");
  });
});
