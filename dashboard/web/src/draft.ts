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

/** Where the page calls a field by another name than the command. */
const CALLED: Record<string, string> = { answers: "checklist", ask: "checklist", yes: "checklist", to_pump: "to", to_channel: "to", second_person: "checklist" };

/** Return the field, one of `fields`, that a refusal of `key` stands beside; "" for the whole form. */
export function fieldOf(key: string, fields: readonly string[]): string {
  const name = CALLED[key] ?? key;
  return fields.includes(name) ? name : "";
}

/** Return a refusal as a sentence. */
export function sentence(reason: string): string {
  const text = reason.trim();
  return text ? text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".") : "";
}
