/** The words on the screen, for the codes inside. */

import { GAP, span, timeOfDay } from "./format";
import type { Freshness } from "./freshness";
import { wallNow } from "./store";
import type { Alarm, Card, JournalEvent, Priority } from "./types";

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const STATUS: Record<string, string> = {
  running: "RUNNING",
  stopped: "STOPPED",
  paused: "PAUSED",
  priming: "PRIMING",
  flushing: "FLUSHING",
  bolus: "BOLUS",
  kvo: "KEEP OPEN",
  standby: "STANDBY",
  alarm: "PUMP ALARM",
  unknown: "UNKNOWN",
};

/** Return what the pump says it does. */
export function statusWord(status: string | undefined): string {
  return STATUS[status ?? "unknown"] ?? "UNKNOWN";
}

export const ICON_MARKS: Record<Priority, string> = { HIGH: "!!!", MEDIUM: "!!", LOW: "!" };

/** Return `text` with times of day in UTC as those of this screen, with the day unless it is today's. */
export function inThisClock(text: string): string {
  return text.replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g, (_whole, day: string, time: string) => {
    const at = new Date(`${day}T${time}Z`);
    const today = new Date(wallNow()).toDateString() === at.toDateString();
    const date = today ? "" : `${at.toLocaleDateString("en", { day: "numeric", month: "short" })} `;
    return date + timeOfDay(at.getTime());
  });
}

/** Return what is wrong, with the age or time that the words need. */
export function alarmWords(alarm: Alarm, ageMs: number | null): string {
  if (alarm.condition === "link-lost" && alarm.signal !== "latched") {
    return ageMs === null ? "NO READING" : `NO READING for ${span(ageMs)}`;
  }
  const title =
    alarm.condition === "restrained"
      ? alarm.title.replace("this pump", `this pump at ${timeOfDay(alarm.since)}`)
      : alarm.title;
  return inThisClock(title).replace(/(\d) (?=[a-zA-Zµ%])/g, `$1${GAP}`);
}

/** Return what to do about it: for an alarm whose condition is gone, to say that it was seen. */
export function actionWords(alarm: Alarm): string {
  return alarm.signal === "latched" ? "Over. Tell us you saw it." : alarm.action;
}

/** Return since when, and who has it. */
export function sinceWords(alarm: Alarm, nowMs: number): string {
  const since = `since ${timeOfDay(alarm.since)}`;
  if (alarm.signal === "acknowledged") {
    const when = alarm.acknowledged_at ? ` since ${timeOfDay(alarm.acknowledged_at)}` : "";
    return `${alarm.acknowledged_by} has it${when}`;
  }
  const ms = nowMs - new Date(alarm.since).getTime();
  return ms >= 60_000 ? `${since} (${span(ms)})` : since;
}

/** Return the line that stands over numbers that must not be read as live. */
export function staleWords(card: Card, fresh: Freshness, ageMs: number | null, linkUp: boolean): string {
  if (fresh === "fresh") return "";
  if (!linkUp) return "NOT LIVE. Look at the pump";
  switch (card.not_live) {
    case "broker":
      return "NOT LIVE. Look at the pump";
    case "waiting":
      return "Waiting for a reading. Look at the pump";
    case "node-lost":
    case "node-offline":
      return "NOT WATCHED. Look at the pump";
    case "never":
      return "NOT WATCHED. Only history is shown";
    default:
      return ageMs === null ? "NO READING YET. Look at the pump" : `NO READING for ${span(ageMs)}. Look at the pump`;
  }
}

/** Return how far the driver was tried, empty when on real pumps. */
export function driverWords(verified: string | undefined): string {
  switch (verified) {
    case "hardware":
      return "";
    case "transcript":
      return "driver tried on recordings only";
    case "simulator":
      return "driver tried on a simulator only";
    default:
      return "unverified driver";
  }
}

/** Return what is to be said of who answers: a pump that told no serial number could be any of its make. */
export function identityWords(card: Card): string {
  return card.make && !card.serial_number ? "identity not checked" : "";
}

/** Return why no infusion can begin on a real laboratory pump; empty for others. The daemon refuses it, too. */
export function laboratoryWords(card: Card): string {
  if (card.provenance !== "real" || card.link?.human_use !== false) return "";
  return `${card.pump} is a laboratory pump: it is not for people. No infusion can begin on it.`;
}

const EVENT: Record<string, string> = {
  raise: "began",
  worsen: "got worse",
  clear: "ended",
  acknowledge: "seen",
  "pause-audio": "silenced",
  "resume-audio": "may sound again",
  shelve: "put off",
  unshelve: "no longer put off",
};

const INFUSION: Record<string, string> = {
  begun: "infusion begun",
  changed: "order changed",
  dose: "dose changed",
  answered: "checklist answered",
  observed: "seen",
  ended: "infusion ended",
  swapped: "infusion moved to another pump",
  transferred: "moved to another bed",
  "went-along": "moved to another bed with the patient's other pump",
};

const RESTRAINT: Record<string, string> = {
  asked: "pumpd asks the pump to pause",
  "pause-sent": "pause sent",
  "pause-not-confirmed": "pause sent, the pump did not confirm it",
  paused: "read back: the pump does not deliver",
  failed: "the pump could not be paused",
};

/** Return a line of the journal in words. */
export function eventWords(event: JournalEvent): string {
  if (event.kind === "alarm" && event.alarm) {
    const by = event.by ? ` by ${event.by}` : "";
    const why = event.detail ? `. ${event.detail}` : "";
    return `${inThisClock(event.alarm.title)}: ${EVENT[event.event] ?? event.event}${by}${why}`;
  }
  if (event.event === "exchange-ports") return `${event.pump ?? ""} ${event.detail}, by ${event.by}`;
  const words = event.kind === "restraint" ? RESTRAINT : event.kind === "infusion" ? INFUSION : {};
  const what = words[event.event] ?? event.event;
  return [what, event.detail, event.by && `by ${event.by}`].filter(Boolean).join(": ");
}

export const FOOTER =
  "pumpd is a second pair of eyes, not a primary alarm and not a certified medical device. " +
  "It does not watch breathing or blood pressure.";
