import { describe, expect, test } from "vitest";
import { MELODIES } from "../src/melody";

const hz = (name: "HIGH" | "MEDIUM") => MELODIES[name].pulses.map((pulse) => Math.round(pulse.hz));

describe("IEC 60601-1-8, drug delivery", () => {
  test("the melodies are C5 D4 G4 and, for HIGH, C5 D4 twice after", () => {
    expect(hz("MEDIUM")).toEqual([523, 294, 392]);
    expect(hz("HIGH")).toEqual([523, 294, 392, 523, 294, 523, 294, 392, 523, 294]);
  });

  test("HIGH: pulses of 75 to 200 ms, 50 to 125 ms apart, with the longer gaps where they belong", () => {
    const { pulses, everyS } = MELODIES.HIGH;
    const gaps = pulses.slice(1).map((pulse, index) => pulse.atS - pulses[index]!.atS - pulses[index]!.lengthS);
    for (const pulse of pulses) expect(pulse.lengthS).toBeGreaterThanOrEqual(0.075);
    for (const pulse of pulses) expect(pulse.lengthS).toBeLessThanOrEqual(0.2);
    const x = gaps[0]!;
    expect(x).toBeGreaterThanOrEqual(0.05);
    expect(x).toBeLessThanOrEqual(0.125);
    for (const index of [1, 3, 5, 6, 8]) expect(gaps[index]).toBeCloseTo(x);
    for (const index of [2, 7]) expect(gaps[index]).toBeCloseTo(2 * x + pulses[0]!.lengthS);
    expect(gaps[4]).toBeGreaterThanOrEqual(0.35);
    expect(gaps[4]).toBeLessThanOrEqual(1.3);
    const last = pulses[9]!;
    expect(everyS - last.atS - last.lengthS).toBeGreaterThanOrEqual(2.5);
    expect(everyS - last.atS - last.lengthS).toBeLessThanOrEqual(15);
  });

  test("MEDIUM: three even pulses of 125 to 250 ms", () => {
    const { pulses } = MELODIES.MEDIUM;
    expect(pulses.map((pulse) => pulse.lengthS)).toEqual([0.2, 0.2, 0.2]);
    expect(pulses[1]!.atS - pulses[0]!.lengthS).toBeCloseTo(0.2);
  });
});
