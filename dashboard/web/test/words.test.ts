import { describe, expect, test } from "vitest";
import { actionWords, alarmWords, driverWords, eventWords, identityWords, sinceWords, staleWords, statusWord } from "../src/words";
import { timeOfDay } from "../src/format";
import { newWords } from "../src/live-region";
import { alarm, card } from "./canned";

const plain = (text: string) => text.replace(/\u00a0/g, " ");

describe("words", () => {
  test("an alarm says the daemon's words, and its number never leaves its unit", () => {
    expect(alarmWords(alarm(), null)).toBe("TOO FAST: 1.4\u00a0mg/kg/h, limit 1\u00a0mg/kg/h");
  });

  test("a lost link says for how long, from the age and not from the alarm", () => {
    const lost = alarm({ condition: "link-lost", title: "NO READING" });
    expect(plain(alarmWords(lost, 12_300))).toBe("NO READING for 12 s");
    expect(alarmWords(lost, null)).toBe("NO READING");
    expect(alarmWords({ ...lost, signal: "latched" }, 300)).toBe("NO READING");
  });

  test("a pause says when", () => {
    const paused = alarm({ condition: "restrained", title: "pumpd PAUSED this pump: 1.2 mg/kg/h, limit 1 mg/kg/h" });
    expect(alarmWords(paused, null)).toContain(`pumpd PAUSED this pump at ${timeOfDay(paused.since)}: `);
  });

  test("[DASH-4] what is over asks to be seen, what somebody has says who", () => {
    expect(actionWords(alarm({ signal: "latched" }))).toBe("Over. Tell us you saw it.");
    const has = alarm({ signal: "acknowledged", acknowledged_by: "Ann", acknowledged_at: "2026-05-04T14:03:00Z" });
    expect(sinceWords(has, 0)).toBe(`Ann has it since ${timeOfDay("2026-05-04T14:03:00Z")}`);
  });

  test("since when, and for how long after the first minute", () => {
    const began = Date.parse(alarm().since);
    expect(sinceWords(alarm(), began + 59_000)).toBe(`since ${timeOfDay(alarm().since)}`);
    expect(plain(sinceWords(alarm(), began + 180_000))).toBe(`since ${timeOfDay(alarm().since)} (3 min)`);
  });

  test("a time in UTC stands there as this screen's clock shows it, with its day", () => {
    const title = "Off the line until 2026-05-04 14:02:00 UTC: being cleaned";
    const at = new Date("2026-05-04T14:02:00Z");
    const day = at.toLocaleDateString("en", { day: "numeric", month: "short" });
    expect(plain(alarmWords(alarm({ condition: "off-line", title }), null))).toBe(
      `Off the line until ${day} ${timeOfDay(at.getTime())}: being cleaned`,
    );
  });

  test.each([
    ["running", "RUNNING"],
    ["something new", "UNKNOWN"],
    [undefined, "UNKNOWN"],
  ])("status %s is %s", (status, word) => {
    expect(statusWord(status)).toBe(word);
  });

  test("[DASH-2] stale says how old and where to look", () => {
    expect(plain(staleWords(card(), "stale", 12_000, true))).toBe("NO READING for 12 s. Look at the pump");
    expect(staleWords(card(), "not-live", 100, false)).toBe("NOT LIVE. Look at the pump");
    expect(staleWords(card({ not_live: "node-lost" }), "not-live", 100, true)).toBe("NOT WATCHED. Look at the pump");
    expect(staleWords(card({ reading: null }), "lost", null, true)).toBe("NO READING YET. Look at the pump");
    expect(staleWords(card(), "fresh", 100, true)).toBe("");
  });

  test("a driver that met no pump says so", () => {
    expect(driverWords("none")).toBe("unverified driver");
    expect(driverWords(undefined)).toBe("unverified driver");
    expect(driverWords("hardware")).toBe("");
  });

  test("a pump that can not tell its serial number says so, and one nobody heard of does not [FLEET-3]", () => {
    expect(identityWords(card({ make: "New Era", model: "NE-1000", serial_number: "" }))).toBe("identity not checked");
    expect(identityWords(card({ make: "Zyno", model: "MIVA", serial_number: "304512" }))).toBe("");
    expect(identityWords(card())).toBe("");
  });

  test("a line of the journal names what and who", () => {
    const event = {
      id: "1", node: "n", seq: 1, journalled: true, at: "", kind: "alarm" as const, pump: "P", channel: "1", bed: "1",
      ward: "", event: "acknowledge", before: "on", alarm: alarm({ title: "EMPTY" }), by: "Ann", detail: "",
    };
    expect(eventWords(event)).toBe("EMPTY: seen by Ann");
    expect(eventWords({ ...event, kind: "node", alarm: null, event: "started", by: "" })).toBe("started");
    expect(eventWords({ ...event, kind: "restraint", alarm: null, event: "paused", by: "" })).toBe(
      "read back: the pump does not deliver",
    );
    const begun = { ...event, kind: "infusion" as const, alarm: null, event: "begun", detail: "ketamine 2 mg/mL" };
    expect(eventWords(begun)).toBe("infusion begun: ketamine 2 mg/mL: by Ann");
    expect(eventWords({ ...event, event: "shelve", detail: "the syringe comes" })).toBe("EMPTY: put off by Ann. the syringe comes");
  });
});

describe("[DASH-1] the live region", () => {
  test("speaks a new alarm once, again when it worsens, and none that somebody has", () => {
    const known = new Set<string>();
    const on = { alarm: alarm(), card: card(), node: "n" };
    expect(plain(newWords([on], known).join())).toBe("Bed 1, HIGH alarm: TOO FAST: 1.4 mg/kg/h, limit 1 mg/kg/h");
    expect(newWords([on], known)).toEqual([]);
    expect(newWords([{ ...on, alarm: alarm({ revision: 2 }) }], known)).toHaveLength(1);
    expect(newWords([{ ...on, alarm: alarm({ revision: 3, signal: "acknowledged" }) }], known)).toEqual([]);
  });
});
