import { describe, expect, test } from "vitest";
import { freshness } from "../src/freshness";
import { arrange, type Group, nurseAlarms } from "../src/order";
import type { Card } from "../src/types";
import { fitting } from "../src/wall";
import { alarm, card } from "./canned";

function beds(cards: Card[]): string[] {
  return arrange(cards.map((one) => ({ card: one, fresh: freshness(one, one.age_ms, true) }))).map((p) => p.card.bed);
}

function at(bed: string, fields: Partial<Card> = {}): Card {
  return card({ key: `P${bed}/1`, bed, ...fields });
}

const stopped = { ...card().reading!, status: "stopped" };

describe("[DASH-1] the order of cards", () => {
  test("worst alarm, then stale, running, stopped, free", () => {
    const cards = [
      at("1", { reading: stopped, programme: null }),
      at("2", { reading: stopped }),
      at("3"),
      at("4", { age_ms: 7000 }),
      at("5", { alarms: [alarm({ priority: "LOW" })] }),
      at("6", { alarms: [alarm({ priority: "MEDIUM" })] }),
      at("7", { alarms: [alarm({ signal: "acknowledged" })] }),
      at("8", { alarms: [alarm({ signal: "latched" })] }),
      at("9", { alarms: [alarm()] }),
    ];
    expect(beds(cards)).toEqual(["9", "8", "7", "6", "5", "4", "3", "2", "1"]);
    expect(beds(cards.reverse())).toEqual(["9", "8", "7", "6", "5", "4", "3", "2", "1"]);
  });

  test("inside a group by bed as people count, whatever comes in first", () => {
    expect(beds([at("10"), at("2"), at("1")])).toEqual(["1", "2", "10"]);
  });

  test("an engineer's alarm moves no card", () => {
    const cards = [at("1"), at("2", { alarms: [alarm({ audience: "engineer" })] })];
    expect(beds(cards)).toEqual(["1", "2"]);
    expect(nurseAlarms(cards[1]!.alarms)).toEqual([]);
  });

  test("of several alarms those nobody has come first inside a priority, never before a worse one", () => {
    const alarms = [
      alarm({ condition: "near-end", priority: "LOW" }),
      alarm({ condition: "occlusion", signal: "acknowledged" }),
      alarm({ condition: "air" }),
      alarm({ condition: "over-soft", priority: "MEDIUM" }),
      alarm({ condition: "door", signal: "off" }),
    ];
    expect(nurseAlarms(alarms).map((one) => one.condition)).toEqual(["air", "occlusion", "over-soft", "near-end"]);
  });

  test("a pause that failed is said before anything else of its priority, then the dose", () => {
    const alarms = ["flow-ceiling", "over-hard", "restraint-failed"].map((condition) => alarm({ condition }));
    expect(nurseAlarms(alarms).map((one) => one.condition)).toEqual(["restraint-failed", "over-hard", "flow-ceiling"]);
  });
});

describe("[DASH-2] freshness", () => {
  test.each([
    ["a reading of 5 s is fresh", { age_ms: 5000 }, true, "fresh"],
    ["one of more is stale", { age_ms: 5001 }, true, "stale"],
    ["one beyond the second limit is lost", { age_ms: 10_001 }, true, "lost"],
    ["the daemon's word stands against a young age", { freshness: "stale" as const }, true, "stale"],
    ["no reading at all is lost", { age_ms: null, reading: null }, true, "lost"],
    ["without our own link nothing is live", {}, false, "not-live"],
    ["what the broker kept is not live", { not_live: "waiting" as const }, true, "not-live"],
    ["nor is a pump nobody heard of", { not_live: "never" as const, reading: null }, true, "not-live"],
  ])("%s", (_name, fields, link, expected) => {
    const one = card(fields);
    expect(freshness(one, one.age_ms, link)).toBe(expected);
  });

  test("a card with no limits stated is never fresh", () => {
    const { stale_after_ms: _stale, lost_after_ms: _lost, ...bare } = card();
    expect(freshness(bare, 1, true)).toBe("lost");
  });
});

describe("the wall", () => {
  const placedAs = (groups: Group[]) => groups.map((group) => ({ card: card(), fresh: "fresh" as const, group }));

  test("an alarm takes two cells of a row and is never broken over its end", () => {
    expect(fitting(placedAs(["alarm", "alarm", "running", "running"]), 4, 6)).toBe(4);
    expect(fitting(placedAs(["alarm", "alarm", "alarm"]), 3, 6)).toBe(2);
    expect(fitting(placedAs(["alarm", "alarm"]), 1, 2)).toBe(2);
    expect(fitting(placedAs(["running", "running"]), 4, 1)).toBe(1);
    expect(fitting([], 4, 12)).toBe(0);
  });
});
