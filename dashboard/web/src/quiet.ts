/** Whether an alarm waits for a person, is silenced for a while or is put off; the screen goes on showing all of them. */

import { countdown, timeOfDay } from "./format";
import type { Alarm } from "./types";

/** Return whether nobody has it yet. */
export function isOpen(alarm: Alarm): boolean {
  return alarm.signal === "on" || alarm.signal === "latched";
}

export function isShelved(alarm: Alarm): boolean {
  return isOpen(alarm) && alarm.inactivation?.kind === "shelved";
}

/** Return whether it calls for a person now: open, not put off, and no other alarm speaks for it. */
export function calls(alarm: Alarm): boolean {
  return isOpen(alarm) && !isShelved(alarm) && !alarm.suppressed_by;
}

/** Return whether it may sound at `wallMs`; what quiets it ends by this page's clock too, whoever forgot to say so. */
export function sounds(alarm: Alarm, wallMs: number): boolean {
  return isOpen(alarm) && !alarm.suppressed_by && !(alarm.inactivation && leftMs(alarm.inactivation.until, wallMs) > 0);
}

function leftMs(until: string, wallMs: number): number {
  return new Date(until).getTime() - wallMs;
}

/** Return who quieted it and until when; empty when nothing does. */
export function quietWords(alarm: Alarm, wallMs: number): string {
  const quiet = alarm.inactivation;
  if (!quiet || !isOpen(alarm)) return "";
  if (quiet.kind === "audio-paused") {
    return `Silent for ${countdown(leftMs(quiet.until, wallMs))} (${quiet.by})`;
  }
  return `Put off by ${quiet.by} until ${timeOfDay(quiet.until)}: ${quiet.reason}`;
}

/** Return who else was told of it, how and when, and who is being told; empty before the first step. */
export function toldWords(alarm: Alarm): string {
  const { told = [], waiting = [], calls = [] } = alarm.escalation ?? {};
  const words = (contact: string) => {
    const call = calls.find((one) => one.contact === contact);
    if (!call) return contact;
    const how = `${call.by && ` by ${call.by}`} at ${timeOfDay(call.at)}`;
    return call.failed ? `${contact} (failed${how}: ${call.failed})` : `${contact}${how}`;
  };
  const list = (contacts: string[]) => contacts.map(words).join(" and ");
  return [told.length > 0 && `Told ${list(told)}`, waiting.length > 0 && `telling ${list(waiting)}`].filter(Boolean).join("; ");
}

const STEP_MIN = 5;
const STEP_MS = STEP_MIN * 60_000;

/** Return times of day to be reminded at, in ms: round ones, about 15, 30 and 60 minutes ahead, none later. */
export function reminders(wallMs: number): number[] {
  return [10, 25, 55].map((aheadMin) => (Math.floor((wallMs + aheadMin * 60_000) / STEP_MS) + 1) * STEP_MS);
}
