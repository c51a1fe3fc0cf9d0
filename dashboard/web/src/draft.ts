/** What is being typed: kept outside of the page's parts, so that no refusal, lost link or moved card loses a letter. */

import { signal, type Signal } from "@preact/signals";

export interface Draft {
  values: Record<string, string>;
  /** What is wrong with a field, beside it; "" is the whole form. */
  problems: Record<string, string>;
}

const drafts = new Map<string, Signal<Draft>>();

/** Return the draft of `key`, begun with `first` when nobody has typed there yet. */
export function draftOf(key: string, first: Record<string, string> = {}): Signal<Draft> {
  let draft = drafts.get(key);
  if (!draft) drafts.set(key, (draft = signal({ values: first, problems: {} })));
  return draft;
}

/** Forget what was typed at `key`: it was taken, or given up. Patients' marks stay in no browser. */
export function dropDraft(key: string): void {
  drafts.delete(key);
}

export function type(draft: Signal<Draft>, name: string, value: string): void {
  const { [name]: _, ...problems } = draft.value.problems;
  draft.value = { values: { ...draft.value.values, [name]: value }, problems };
}

/** Return what is typed at `name`, without blanks around it. */
export function typed(draft: Signal<Draft>, name: string): string {
  return (draft.value.values[name] ?? "").trim();
}

/** Return why `text` is no number for this field, in the nurse's words; empty when it is one. */
export function numberProblem(text: string, decimals = true): string {
  if (text === "") return "Write a number.";
  if (text.includes(",")) return "Write a point, not a comma: 10.5. A comma can be read as thousands.";
  if (/^[-+]/.test(text)) return "Write it without a sign.";
  if (/^\.\d/.test(text)) return `Write 0${text}: a bare point is easily missed.`;
  if (!/^\d+(\.\d+)?$/.test(text)) return "Write digits only, such as 10.5.";
  if (!decimals && text.includes(".")) return "Write a whole number.";
  const [whole = "", rest = ""] = text.split(".");
  return whole.length > 9 || rest.length > 6 ? "That is too long a number." : "";
}

/** Which field a refusal of the daemon is about; the first that matches. */
const ABOUT: [RegExp, string][] = [
  [/outside the ordered|largest step|titrat/i, "dose"],
  [/patient needs two marks|identifier/i, "identifier"],
  [/\blabel\b/i, "label"],
  [/second person must check|second person who checks|checked_by/i, "checked_by"],
  [/witness|thrown away/i, "witness"],
  [/checklist|' yes:|answered twice/i, "checklist"],
  [/weight|patient these limits are for/i, "weight_kg"],
  [/\bvolume\b|\d mL is (above|below)/i, "volume_ml"],
  [/duration|\d min is (above|below)/i, "duration_min"],
  [/it may be so, with a reason/i, "accepted"],
  [/say why|needs a reason|\breason\b/i, "reason"],
  [/\bbed\b/i, "bed"],
  [/pain/i, "pain"],
  [/above the library's|is outside the order|more than this pump|less than this pump|\bdose/i, "dose"],
];

/** Return the field, one of `fields`, that the daemon's `reason` is about; "" for the whole form. */
export function fieldOf(reason: string, fields: readonly string[]): string {
  // A soft limit that may be passed asks for its reason, whatever it is a limit of.
  if (/it may be so, with a reason/i.test(reason) && fields.includes("accepted")) return "accepted";
  return ABOUT.find(([words, field]) => words.test(reason) && fields.includes(field))?.[1] ?? "";
}

/** Return a refusal as a sentence. */
export function sentence(reason: string): string {
  const text = reason.trim();
  return text ? text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".") : "";
}
