import { describe, expect, test } from "vitest";
import { countdown, timeOfDay } from "../src/format";
import { newWords } from "../src/live-region";
import { nurseAlarms, rank } from "../src/order";
import { calls, isShelved, quietWords, reminders, sounds, toldWords } from "../src/quiet";
import type { Inactivation } from "../src/types";
import { alarm, card } from "./canned";

const AT = "2026-05-04T14:02:00Z";
const WALL_MS = Date.parse(AT);
const paused: Inactivation = { kind: "audio-paused", by: "Ann", at: AT, until: "2026-05-04T14:04:00Z", reason: "" };
const shelved: Inactivation = { ...paused, kind: "shelved", until: "2026-05-04T14:20:00Z", reason: "the syringe comes" };
const low = alarm({ condition: "near-end", priority: "LOW", title: "Nearly finished" });

describe("[DASH-8] an alarm that is silenced", () => {
  test("says who and for how long, calls for a person as before, and makes no sound", () => {
    const quiet = alarm({ inactivation: paused });
    expect(quietWords(quiet, WALL_MS + 23_000)).toBe("Silent for 1:37 (Ann)");
    expect(calls(quiet)).toBe(true);
    expect(sounds(quiet, WALL_MS)).toBe(false);
    expect(nurseAlarms([low, quiet])[0]).toBe(quiet);
  });

  test("sounds again at its end by this page's clock, though nobody tells the page", () => {
    const quiet = alarm({ inactivation: paused });
    expect(sounds(quiet, Date.parse(paused.until) - 1)).toBe(false);
    expect(sounds(quiet, Date.parse(paused.until))).toBe(true);
  });

  test("says nothing of it once somebody has the alarm", () => {
    expect(quietWords(alarm({ signal: "acknowledged", inactivation: paused }), WALL_MS)).toBe("");
  });
});

describe("[DASH-8] an alarm that is put off", () => {
  const off = { ...low, inactivation: shelved };

  test("says who, until when and why, calls for nobody, and makes no sound", () => {
    expect(quietWords(off, WALL_MS)).toBe(`Put off by Ann until ${timeOfDay(shelved.until)}: the syringe comes`);
    expect(isShelved(off)).toBe(true);
    expect(calls(off)).toBe(false);
    expect(sounds(off, WALL_MS)).toBe(false);
    expect(sounds(off, Date.parse(shelved.until))).toBe(true);
  });

  test("stands behind one that nobody has, on its card and on the page", () => {
    const open = alarm({ condition: "battery-low", priority: "LOW" });
    expect(nurseAlarms([off, open]).map((one) => one.condition)).toEqual(["battery-low", "near-end"]);
    expect(rank(card({ alarms: [off] }), "fresh").rank).toBeGreaterThan(rank(card({ alarms: [open] }), "fresh").rank);
  });

  test("is spoken again when its time is over", () => {
    const known = new Set<string>();
    const said = (one: typeof off | typeof low) => newWords([{ alarm: one, card: card(), node: "n" }], known).length;
    expect([said(low), said(low), said(off), said(low), said(low)]).toEqual([1, 0, 0, 1, 0]);
  });
});

describe("[DASH-8] an alarm that another speaks for", () => {
  test("neither sounds nor counts as a call of its own", () => {
    const child = alarm({ suppressed_by: "line-a" });
    expect([calls(child), sounds(child, WALL_MS)]).toEqual([false, false]);
  });
});

const TOLD_AT = "2026-05-04T14:03:00Z";
const AT_WORDS = timeOfDay(TOLD_AT);
const call = (contact: string, by: string, failed = "") => ({ contact, at: TOLD_AT, by, failed });

describe("who else was told", () => {
  test.each([
    [undefined, ""],
    [{ step_count: 1, told: ["Dr N."], waiting: [] }, "Told Dr N."],
    [{ step_count: 2, told: ["Dr N.", "Eva"], waiting: ["the pager"] }, "Told Dr N. and Eva; telling the pager"],
    [{ step_count: 1, told: [], waiting: ["Eva"] }, "telling Eva"],
    [{ step_count: 1, told: ["Dr N."], waiting: [], calls: [call("Dr N.", "mail")] }, `Told Dr N. by mail at ${AT_WORDS}`],
    [{ step_count: 1, told: ["Dr N."], waiting: [], calls: [call("Dr N.", "")] }, `Told Dr N. at ${AT_WORDS}`],
    [
      { step_count: 1, told: [], waiting: ["Eva"], calls: [call("Eva", "webhook", "no answer")] },
      `telling Eva (failed by webhook at ${AT_WORDS}: no answer)`,
    ],
  ])("%j says %j", (escalation, words) => {
    expect(toldWords(alarm(escalation ? { escalation } : {}))).toBe(words);
  });
});

describe("the time of a reminder", () => {
  test.each([0, 1, 59_999, 60_000, 299_999])("is round, and never more than an hour ahead, %d ms past a mark", (past) => {
    const wallMs = Date.parse("2026-05-04T14:00:00Z") + past;
    const ahead = reminders(wallMs).map((at) => (at - wallMs) / 60_000);
    expect(reminders(wallMs).every((at) => at % 300_000 === 0)).toBe(true);
    for (const [index, least] of [10, 25, 55].entries()) {
      expect(ahead[index]).toBeGreaterThan(least);
      expect(ahead[index]).toBeLessThanOrEqual(least + 5);
    }
  });

  test.each([[97_000, "1:37"], [120_000, "2:00"], [1, "0:01"], [0, "0:00"], [-5000, "0:00"]])("%d ms are %s", (ms, words) => {
    expect(countdown(ms)).toBe(words);
  });
});
