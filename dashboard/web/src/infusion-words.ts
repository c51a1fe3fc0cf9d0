/** What the page says of an infusion. */

import { GAP, number, span, timeOfDay, unit } from "./format";
import type { Infusion, Version } from "./infusion-types";
import type { Card } from "./types";

/** Return an amount with its unit, "up to" before one that could not be counted whole. */
export function amount(value: string | null, of: string, upTo = false): string {
  return value === null ? "unknown" : `${upTo ? "up to " : ""}${number(value, 2)}${GAP}${of}`;
}

/** Return what of the drug is left: at least so much where what was given is at most so much. */
export function leftWords(infusion: Infusion): string {
  return `${infusion.given_up_to ? "at least " : ""}${amount(infusion.to_waste, infusion.amount_unit)}`;
}

/** Return whether the pump is set as it should be; a tick only when the daemon says so. */
export function agreesWords(infusion: Infusion, card: Card): string {
  if (infusion.agrees) return "✓ The pump is set to it";
  if (infusion.agrees === null) return "Not known whether the pump is set to it. Look at the pump";
  const set = card.reading?.set_flow_ml_h ?? card.reading?.flow_ml_h ?? null;
  return set === null ? "✗ The pump is set to something else" : `✗ The pump is set to ${number(set)} mL/h`;
}

/** Return what is ordered: the range of the dose, and how much of it or for how long. */
export function orderWords(ordered: Version): string {
  const dose = `${number(ordered.dose_min)} to ${number(ordered.dose_max)}${GAP}${unit(ordered.dose_unit)}`;
  const volume = ordered.volume_ml !== null && `${number(ordered.volume_ml)}${GAP}mL`;
  const time = ordered.duration_s !== null && `for ${Math.round(ordered.duration_s / 60)}${GAP}min`;
  return [dose, volume, time].filter(Boolean).join(", ");
}

/** Return whether somebody should look at the patient now. */
export function isDue(infusion: Infusion, wallMs: number): boolean {
  return infusion.look_due_at !== null && new Date(infusion.look_due_at).getTime() <= wallMs;
}

/** Return when somebody should look at the patient. */
export function lookWords(infusion: Infusion, wallMs: number): string {
  if (infusion.look_due_at === null) return "no more is due";
  const inMs = new Date(infusion.look_due_at).getTime() - wallMs;
  const at = timeOfDay(infusion.look_due_at);
  return inMs > 0 ? `at ${at}, in ${span(inMs)}` : `NOW, due since ${at}`;
}
