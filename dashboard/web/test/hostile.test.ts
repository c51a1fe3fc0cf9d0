import { describe, expect, it } from "vitest";
import { number } from "../src/format";
import { waitMs, type Burst, type Sounding } from "../src/melody";
import { arrange, HOLD_MS, settle, type Held } from "../src/order";
import { pageOf, pumpOf } from "../src/route";
import { alarm, card } from "./canned";

describe("an address", () => {
  it("with a broken escape still names something, and never throws", () => {
    expect(pumpOf("#/pump/%E0%A4%A")).toBe("%E0%A4%A");
    expect(pumpOf("#/")).toBeNull();
    expect(pumpOf("")).toBeNull();
  });
  it.each(["PUMP-01/1", "50% pump/1", "a#b/ä", "%41/2"])("of %s leads back to it", (key) => {
    expect(pumpOf(pageOf(key))).toBe(key);
  });
});

describe("a number", () => {
  it.each(["", " ", "0x10", "1e400", "NaN", "<b>", "1,5", "Infinity", "--1"])("that is %j is not known", (text) => {
    expect(number(text)).toBe("?");
  });
  it("may be written with an exponent", () => expect(number("1.05e1")).toBe("10.5"));
});

describe("an alarm that comes and goes every second", () => {
  const quiet = card({ key: "B/1", bed: "2" });
  const off = card({ key: "A/1", bed: "9" });
  const on = card({ key: "A/1", bed: "9", alarms: [alarm()] });

  it("takes its place at once, keeps it, and leaves it when it has been quiet for long enough", () => {
    let held: ReadonlyMap<string, Held> = new Map();
    const at = (nowMs: number, present: typeof off) => {
      const shown = [quiet, present].map((one) => ({ card: one, fresh: "fresh" as const }));
      held = settle(held, shown, nowMs);
      return arrange(shown, held).map((placed) => placed.card.bed).join();
    };
    expect(at(0, off)).toBe("2,9");
    const flapping = Array.from({ length: 60 }, (_, second) => at(1000 * (second + 1), second % 2 ? off : on));
    expect(new Set(flapping)).toEqual(new Set(["9,2"]));
    expect(at(60_000 + HOLD_MS - 2000, off)).toBe("9,2");
    expect(at(60_000 + HOLD_MS, off)).toBe("2,9");
  });

  it("sounds in one rhythm, neither stuttering nor silent", () => {
    let last: Burst | null = null;
    const bursts: number[] = [];
    const hear = (next: Sounding, ms: number) => {
      if (waitMs(last, next, ms) > 0) return;
      last = { sounding: next, atMs: ms };
      bursts.push(ms / 1000);
    };
    for (let second = 0; second <= 40; second += 2) hear("HIGH", second * 1000);
    expect(bursts).toEqual([0, 8, 16, 24, 32, 40]);
  });

  it("does not hold back something worse", () => {
    expect(waitMs({ sounding: "LOW", atMs: 1000 }, "HIGH", 1100)).toBe(0);
    expect(waitMs({ sounding: "LINK_LOST", atMs: 1000 }, "HIGH", 1100)).toBe(0);
    expect(waitMs({ sounding: "HIGH", atMs: 1000 }, "LOW", 1100)).toBe(7900);
    expect(waitMs(null, "LOW", 1100)).toBe(0);
  });
});
