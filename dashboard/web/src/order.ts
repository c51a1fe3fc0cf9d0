/** The order of cards: worst alarm first, then stale, running, stopped, free; by bed inside a group. */

import type { Freshness } from "./freshness";
import { delivers } from "./freshness";
import { isShelved } from "./quiet";
import type { Alarm, Card, Priority } from "./types";

const WORSE: Record<Priority, number> = { HIGH: 3, MEDIUM: 2, LOW: 1 };

/** Said first among alarms of one priority: what needs a hand now, then the dose. */
const FIRST = ["restraint-failed", "over-hard"];

function place(alarm: Alarm): number {
  const at = FIRST.indexOf(alarm.condition);
  return at === -1 ? FIRST.length : at;
}

const OFF_LINE = "off-line";

/** Return what says that a person took this pump off the line: its card says so, and nobody is called. */
export function offLine(card: Card): Alarm | undefined {
  return card.alarms.find((alarm) => alarm.condition === OFF_LINE && alarm.signal !== "off");
}

/** The alarms a nurse must act on, worst first; those nobody has before the others. */
export function nurseAlarms(alarms: Alarm[]): Alarm[] {
  return alarms
    .filter((alarm) => alarm.audience === "nurse" && alarm.signal !== "off" && alarm.condition !== OFF_LINE)
    .sort(
      (a, b) =>
        WORSE[b.priority] - WORSE[a.priority] ||
        answered(a) - answered(b) ||
        Number(a.signal === "latched") - Number(b.signal === "latched") ||
        place(a) - place(b) ||
        a.since.localeCompare(b.since) ||
        a.condition.localeCompare(b.condition),
    );
}

/** Return 1 when a named person has it or put it off, else 0. */
function answered(alarm: Alarm): number {
  return alarm.signal === "acknowledged" || isShelved(alarm) ? 1 : 0;
}

export type Group = "alarm" | "stale" | "running" | "stopped" | "free";

/** Return the group of a card and its rank inside the page; lower comes first. */
export function rank(card: Card, fresh: Freshness): { group: Group; rank: number } {
  const worst = nurseAlarms(card.alarms)[0];
  if (worst) {
    const unseen = answered(worst) ? 2 : worst.signal === "on" ? 0 : 1;
    return { group: "alarm", rank: (3 - WORSE[worst.priority]) * 3 + unseen };
  }
  if (offLine(card)) return { group: "free", rank: 50 };
  if (fresh !== "fresh") return { group: "stale", rank: 20 };
  if (delivers(card)) return { group: "running", rank: 30 };
  if (card.programme) return { group: "stopped", rank: 40 };
  return { group: "free", rank: 50 };
}

const BEDS = new Intl.Collator("en", { numeric: true });

/** Compare two cards of the same rank: by ward, bed and channel, so that cards never jump while being read. */
export function byPlace(a: Card, b: Card): number {
  return BEDS.compare(a.ward, b.ward) || BEDS.compare(a.bed, b.bed) || BEDS.compare(a.key, b.key);
}

export interface Placed {
  card: Card;
  fresh: Freshness;
  group: Group;
}

/** A place that a card keeps though it got better, until then. */
export interface Held {
  group: Group;
  rank: number;
  untilMs: number;
}

/** A card whose alarm got better keeps its place this long: one that comes and goes stays where eyes found it. */
export const HOLD_MS = 10_000;

interface Shown {
  card: Card;
  fresh: Freshness;
}

/** Return the place of every card: worse takes effect at once, the end of an alarm after `HOLD_MS`. */
export function settle(before: ReadonlyMap<string, Held>, cards: Shown[], nowMs: number): Map<string, Held> {
  const after = new Map<string, Held>();
  for (const { card, fresh } of cards) {
    const is = rank(card, fresh);
    const was = before.get(card.key);
    if (was?.group === "alarm" && was.rank < is.rank && nowMs < was.untilMs) after.set(card.key, was);
    else after.set(card.key, { ...is, untilMs: nowMs + HOLD_MS });
  }
  return after;
}

/** Return all cards in the order of the page, those in `held` at their held places. */
export function arrange(cards: Shown[], held: ReadonlyMap<string, Held> = new Map()): Placed[] {
  return cards
    .map(({ card, fresh }) => {
      const { group, rank: at } = held.get(card.key) ?? rank(card, fresh);
      return { card, fresh, group, rank: at };
    })
    .sort((a, b) => a.rank - b.rank || byPlace(a.card, b.card));
}
