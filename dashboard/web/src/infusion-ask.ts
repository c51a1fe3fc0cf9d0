/** The bodies of what is asked of an infusion, and how the page knows that it was done. */

import type { Signal } from "@preact/signals";
import type { Request } from "./ask";
import { type Draft, numberProblem, type, typed } from "./draft";
import type { Infusion, Order, Question, Template } from "./infusion-types";
import { cards } from "./store";
import type { Card } from "./types";

/** Return the request `verb` about the infusion, or the free pump, on `card`. */
export function infusionRequest(card: Card, verb: string, more: object): Request {
  const { node, boot_id, pump, channel, infusion } = card;
  const of = verb === "begin" ? {} : { infusion: infusion?.id ?? "" };
  return { path: `infusion/${verb}`, body: { node, boot_id, pump, channel, ...of, ...more } };
}

/** Return what of a card moves when anything is done about its infusion. */
function mark(card: Card | undefined): string {
  const infusion = card?.infusion;
  if (!card || !infusion) return "none";
  const { id, state, dose, observations, checklist_open: open } = infusion;
  return [id, state === "ended", orderSeen(infusion), dose, observations[0]?.at, open.length, card.bed, card.ward].join(" ");
}

/** Return whether the daemon's state of this card is another than it is now. */
export function movedSince(card: Card): () => boolean {
  const before = mark(card);
  return () => mark(cards.value.get(card.key)?.value) !== before;
}

type Values = Record<string, string>;

function text(values: Values, name: string): string {
  return (values[name] ?? "").trim();
}

/** Return what the fields of a begin form hold first: the template's numbers, and nothing of the patient. */
export function firstValues(template: Template): Values {
  const { dose, dose_min, dose_max, volume_ml, duration_min } = template.order;
  return { dose, dose_min, dose_max, volume_ml: volume_ml ?? "", duration_min: duration_min === null ? "" : String(duration_min) };
}

export const BEGIN_FIELDS = [
  "label", "identifier", "weight_kg", "dose", "dose_min", "dose_max", "volume_ml", "duration_min", "checklist", "checked_by", "another_patient",
  "accepted",
] as const;

/** Return what is wrong with a beginning, by field; `runs`: the checklist may be answered later. */
export function beginProblems(values: Values, template: Template, runs: boolean): Values {
  const wrong: Values = {};
  const need = (name: string, words: string) => {
    if (!text(values, name)) wrong[name] = words;
  };
  const number = (name: string, optional = false, decimals = true) => {
    const problem = optional && !text(values, name) ? "" : numberProblem(text(values, name), decimals);
    if (problem) wrong[name] = problem;
  };
  need("label", "Write the patient's initials.");
  need("identifier", "Write a second mark of the patient, such as the case number.");
  number("weight_kg", !template.order.dose_unit.includes("/kg"));
  for (const name of ["dose", "dose_min", "dose_max"]) number(name);
  number("volume_ml", true);
  number("duration_min", true, false);
  if (template.second_check) need("checked_by", "A second person must check: write the name.");
  Object.assign(wrong, answerProblems(values, template.checklist, runs));
  return wrong;
}

/** Return what is wrong with the answers to a checklist, by field; `later`: questions may be left open. */
export function answerProblems(values: Values, checklist: Question[], later: boolean): Values {
  const wrong: Values = {};
  checklist.forEach((question, index) => {
    const answer = text(values, `q${index}`);
    if (!answer && !later) wrong[`q${index}`] = "Answer yes or no.";
    if (answer !== "yes" || !question.second_person) return;
    if (!text(values, `q${index}-second`)) wrong[`q${index}-second`] = "Who else looked at this? Write the name.";
    if (!text(values, `q${index}-reason`)) wrong[`q${index}-reason`] = "Write why it goes on all the same.";
  });
  return wrong;
}

/** Return the questions that are still open; who must look at a yes is the template's word, a second person without it. */
export function openQuestions(infusion: Infusion, template: Template | undefined): Question[] {
  return infusion.checklist_open.map((ask) => template?.checklist.find((one) => one.ask === ask) ?? { ask, second_person: true });
}

/** Return the answers that were given, each with its question word for word. */
export function answers(values: Values, checklist: Question[]): object[] {
  return checklist.flatMap((question, index) => {
    const answer = text(values, `q${index}`);
    if (!answer) return [];
    const yes = answer === "yes";
    const also = yes ? { second_person: text(values, `q${index}-second`), reason: text(values, `q${index}-reason`) } : {};
    return [{ ask: question.ask, yes, ...also }];
  });
}

/** Return what verb `begin` takes. */
export function beginBody(values: Values, template: Template): object {
  const order: Order = {
    ...template.order,
    weight_kg: text(values, "weight_kg") || null,
    dose: text(values, "dose"),
    dose_min: text(values, "dose_min"),
    dose_max: text(values, "dose_max"),
    volume_ml: text(values, "volume_ml") || null,
    duration_min: text(values, "duration_min") ? Number(text(values, "duration_min")) : null,
  };
  return {
    label: text(values, "label"),
    identifier: text(values, "identifier"),
    order,
    template: template.name,
    checked_by: text(values, "checked_by"),
    answers: answers(values, template.checklist),
    accepted: text(values, "accepted"),
    new_series: text(values, "new_series") === "yes",
    another_patient: text(values, "another_patient"),
  };
}

/** Return whether a dose stands outside of what is ordered; the daemon decides, this only asks for more. */
export function isOutside(dose: string, infusion: Infusion): boolean {
  const ordered = infusion.versions[infusion.versions.length - 1];
  if (!ordered || numberProblem(dose)) return false;
  return Number(dose) < Number(ordered.dose_min) || Number(dose) > Number(ordered.dose_max);
}

/** Return which picture of the order a form was opened on, to be held against the present one. */
export function orderSeen(infusion: Infusion): string {
  return `${infusion.version}.${infusion.dose_revision}`;
}

/** Return what is wrong when somebody else set the dose or the order since a form was opened; empty when nobody did. */
export function olderPicture(seen: string, infusion: Infusion): string {
  if (seen === orderSeen(infusion)) return "";
  return `Somebody changed it since: the dose to give is ${infusion.dose} ${infusion.dose_unit} now. Look again, then press once more.`;
}

/** Return the problem that the form was opened on an older picture, and take the present one as seen. */
export function lookedAgain(draft: Signal<Draft>, infusion: Infusion): Record<string, string> {
  const older = olderPicture(typed(draft, "seen"), infusion);
  if (!older) return {};
  type(draft, "seen", orderSeen(infusion));
  return { "": older };
}

/** Return what verb `change` takes: a dose inside the order, or a new order with its reason. */
export function changeBody(values: Values, card: Card): object {
  const infusion = card.infusion!;
  const dose = text(values, "dose");
  const also = { version: infusion.version, dose_revision: infusion.dose_revision, accepted: text(values, "accepted") };
  if (!isOutside(dose, infusion)) return { ...also, dose };
  return { ...also, order: orderBody(values, card), reason: text(values, "reason"), checked_by: text(values, "checked_by") };
}

/** Return the order with other doses. */
function orderBody(values: Values, card: Card): Order {
  const infusion = card.infusion!;
  const ordered = infusion.versions[infusion.versions.length - 1]!;
  return {
    drug: infusion.drug,
    concentration: infusion.concentration,
    care_area: infusion.care_area,
    form: infusion.form,
    indication: infusion.indication,
    weight_kg: card.programme?.weight_kg ?? null,
    dose: text(values, "dose"),
    dose_min: text(values, "dose_min"),
    dose_max: text(values, "dose_max"),
    dose_unit: infusion.dose_unit,
    volume_ml: ordered.volume_ml,
    duration_min: ordered.duration_s === null ? null : Math.round(ordered.duration_s / 60),
  };
}

/** Return what verb `change` takes for the limits of the drug library in force; with the order only where another dose is typed. */
export function takeOverBody(values: Values, card: Card): object {
  const infusion = card.infusion!;
  const ordered = infusion.versions[infusion.versions.length - 1]!;
  const before = { dose: infusion.dose, dose_min: ordered.dose_min, dose_max: ordered.dose_max };
  const isSame = Object.entries(before).every(([name, was]) => text(values, name) === was);
  return {
    version: infusion.version,
    dose_revision: infusion.dose_revision,
    library_sha256: infusion.newer_library?.sha256 ?? "",
    reason: text(values, "reason"),
    checked_by: text(values, "checked_by"),
    accepted: text(values, "accepted"),
    ...(isSame ? {} : { order: orderBody(values, card) }),
  };
}

const SEEN_NUMBERS: readonly [name: string, words: string, most: number][] = [
  ["pain", "Pain is a number from 0 to 10.", 10],
  ["systolic_mmhg", "Write the upper blood pressure in mmHg, at most 400.", 400],
  ["diastolic_mmhg", "Write the lower blood pressure in mmHg, at most 400.", 400],
  ["pulse_per_min", "Write beats in a minute, at most 400.", 400],
  ["spo2_percent", "Write per cent, at most 100.", 100],
];
export const OBSERVE_FIELDS = [...SEEN_NUMBERS.map(([name]) => name), "sedation", "side_effects"];

/** Return what is wrong with an observation: nothing is judged but that a number can be one. */
export function observeProblems(values: Values): Values {
  const wrong: Values = {};
  for (const [name, words, most] of SEEN_NUMBERS) {
    const written = text(values, name);
    if (!written) continue;
    const problem = numberProblem(written, false);
    if (problem || Number(written) > most) wrong[name] = problem || words;
  }
  if (OBSERVE_FIELDS.every((name) => !text(values, name))) wrong[""] = "Nothing is written down yet: fill in what you saw.";
  return wrong;
}

/** Return what verb `observe` takes: what was filled in, and no more. */
export function observeBody(values: Values): object {
  const body: Record<string, string | number> = {};
  for (const [name] of SEEN_NUMBERS) if (text(values, name)) body[name] = Number(text(values, name));
  for (const name of ["sedation", "side_effects"]) if (text(values, name)) body[name] = text(values, name);
  return body;
}
