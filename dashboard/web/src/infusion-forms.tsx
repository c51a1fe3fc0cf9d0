/** What is asked of a running infusion: another dose, what somebody saw, its end, another place. */

import { useEffect } from "preact/hooks";
import { Accepted, Checklist } from "./checklist";
import { draftOf, dropDraft, numberProblem, type, typed } from "./draft";
import { AskForm, Choice, Field } from "./form";
import { number, unit } from "./format";
import {
  answerProblems, answers, changeBody, infusionRequest, isOutside, movedSince, OBSERVE_FIELDS, observeBody, observeProblems, openQuestions,
  lookedAgain, orderSeen,
} from "./infusion-ask";
import type { Infusion } from "./infusion-types";
import { amount, leftWords } from "./infusion-words";
import { cards } from "./store";
import { loadTemplates, templates } from "./templates";
import type { Card } from "./types";

export interface FormProps {
  card: Card;
  infusion: Infusion;
  live: boolean;
  onDone: () => void;
}

/** Return the draft of a form about an infusion, and what every such form has. */
export function useForm({ card, infusion, live, onDone }: FormProps, verb: string, first: Record<string, string> = {}) {
  const key = `${infusion.id} ${verb}`;
  const draft = draftOf(key, first);
  const close = () => {
    dropDraft(key);
    onDone();
  };
  const common = { place: `${card.key} infusion`, draft, live, seen: movedSince(card), onDone: close, onBack: onDone };
  return { draft, common, values: () => draft.peek().values };
}

export function Titrate(props: FormProps) {
  const { card, infusion } = props;
  const ordered = infusion.versions[infusion.versions.length - 1];
  const { draft, common, values } = useForm(props, "change", {
    dose: infusion.dose, dose_min: ordered?.dose_min ?? "", dose_max: ordered?.dose_max ?? "",
    seen: orderSeen(infusion),
  });
  const outside = isOutside(typed(draft, "dose"), infusion);
  const check = () => {
    const wrong: Record<string, string> = {};
    for (const name of outside ? ["dose", "dose_min", "dose_max"] : ["dose"]) {
      const problem = numberProblem(typed(draft, name));
      if (problem) wrong[name] = problem;
    }
    if (outside && !typed(draft, "reason")) wrong["reason"] = "Write why the order changes.";
    if (outside && infusion.second_check && !typed(draft, "checked_by")) wrong["checked_by"] = "A second person must check: write the name.";
    return { ...wrong, ...lookedAgain(draft, infusion) };
  };
  return (
    <AskForm {...common} title="Change the dose" words={outside ? "Order it so" : "Change the dose"} check={check}
      fields={["dose", "dose_min", "dose_max", "reason", "checked_by", "accepted"]}
      request={() => infusionRequest(card, "change", changeBody(values(), card))}>
      <div class="fields">
        <Field draft={draft} name="dose" label="Give now" unit={unit(infusion.dose_unit)} digits longest={16}
          hint={ordered ? `Ordered: ${number(ordered.dose_min)} to ${number(ordered.dose_max)}` : ""} />
      </div>
      {outside && (
        <>
          <p><b>This is outside of the order.</b> It needs a new order, with a reason.</p>
          <div class="fields">
            <Field draft={draft} name="dose_min" label="Ordered from" unit={unit(infusion.dose_unit)} digits longest={16} />
            <Field draft={draft} name="dose_max" label="Ordered to" unit={unit(infusion.dose_unit)} digits longest={16} />
          </div>
          <Field draft={draft} name="reason" label="Because" longest={200} />
          {infusion.second_check && <Field draft={draft} name="checked_by" label="Checked by (a second person)" />}
        </>
      )}
      <Accepted draft={draft} />
      <p class="quiet-text">The pump is not touched: set it by hand to what the page then shows.</p>
    </AskForm>
  );
}

/** The questions that were left open when it began on a pump that ran already. */
export function Answer(props: FormProps) {
  const { card, infusion } = props;
  const { draft, common, values } = useForm(props, "answer");
  useEffect(() => void loadTemplates(), []);
  const open = openQuestions(infusion, templates.value?.find((one) => one.name === infusion.template));
  const check = () => ({
    ...answerProblems(values(), open, true),
    ...(answers(values(), open).length === 0 ? { "": "Nothing is answered yet." } : {}),
  });
  return (
    <AskForm {...common} title="The checklist" words="Write the answers down" check={check} fields={["checklist"]}
      request={() => infusionRequest(card, "change", { version: infusion.version, answers: answers(values(), open) })}>
      <Checklist draft={draft} title="Still open" questions={open} />
    </AskForm>
  );
}

const PAIN = Array.from({ length: 11 }, (_, value) => [String(value), String(value)] as const);

export function Observe(props: FormProps) {
  const { draft, common, values } = useForm(props, "observe");
  return (
    <AskForm {...common} title="What you saw" words="Write it down" check={() => observeProblems(values())} fields={OBSERVE_FIELDS}
      request={() => infusionRequest(props.card, "observe", observeBody(values()))}>
      <Choice draft={draft} name="pain" label="Pain, as the patient says" options={PAIN} />
      <div class="fields">
        <Field draft={draft} name="systolic_mmhg" label="Blood pressure, upper" unit="mmHg" digits longest={3} />
        <Field draft={draft} name="diastolic_mmhg" label="lower" unit="mmHg" digits longest={3} />
        <Field draft={draft} name="pulse_per_min" label="Pulse" unit="/min" digits longest={3} />
        <Field draft={draft} name="spo2_percent" label="SpO2" unit="%" digits longest={3} />
      </div>
      <div class="fields">
        <Field draft={draft} name="sedation" label="Sedation" hint="By your ward's scale" />
        <Field draft={draft} name="side_effects" label="Side effects" longest={200} />
      </div>
      <p class="quiet-text">It is kept and shown. pumpd draws no conclusion from it.</p>
    </AskForm>
  );
}

const REASONS = ["Finished as ordered", "Pain eased", "Side effects", "Doctor's order"];

export function End(props: FormProps) {
  const { card, infusion } = props;
  const { draft, common } = useForm(props, "end");
  const wastes = infusion.to_waste !== null && (infusion.given_up_to || Number(infusion.to_waste) > 0);
  const check = () => ({
    ...(typed(draft, "reason") ? {} : { reason: "Write why it ends." }),
    ...(wastes && !typed(draft, "witness") ? { witness: "Who sees the rest thrown away? Write the name." } : {}),
  });
  return (
    <AskForm {...common} title="End the infusion" words="End it" check={check} fields={["reason", "witness"]}
      request={() => infusionRequest(card, "end", { reason: typed(draft, "reason"), witness: typed(draft, "witness") })}>
      <p><b>Stop the pump by hand.</b> This only ends the watching; if the pump runs on, that is an alarm.</p>
      <dl class="sums">
        <dt>Given</dt><dd>{amount(infusion.given, infusion.amount_unit, infusion.given_up_to)}</dd>
        <dt>To waste</dt><dd>{leftWords(infusion)}</dd>
      </dl>
      <div class="choice-row">
        {REASONS.map((words) => (
          <button type="button" key={words} class={`plain ${typed(draft, "reason") === words ? "chosen" : ""}`}
            onClick={() => type(draft, "reason", words)}>{words}</button>
        ))}
      </div>
      <Field draft={draft} name="reason" label="Because" longest={200} />
      {wastes && <Field draft={draft} name="witness" label="Witness of the waste" />}
    </AskForm>
  );
}

export function Move(props: FormProps) {
  const { card } = props;
  const { draft, common } = useForm(props, "move", { how: "pump" });
  const toPump = typed(draft, "how") === "pump";
  const free = [...cards.value.values()].map((of) => of.value)
    .filter((other) => other.key !== card.key && other.node === card.node && (!other.infusion || other.infusion.state === "ended"));
  const check = () => ({
    ...(toPump && !typed(draft, "to") ? { to: "Choose the other pump." } : {}),
    ...(!toPump && !typed(draft, "bed") ? { bed: "Write the other bed." } : {}),
    ...(typed(draft, "reason") ? {} : { reason: "Write why it moves." }),
  });
  const request = () => {
    const reason = typed(draft, "reason");
    if (!toPump) return infusionRequest(card, "transfer", { bed: typed(draft, "bed"), ward: typed(draft, "ward"), reason });
    const to = free.find((other) => other.key === typed(draft, "to"));
    return infusionRequest(card, "swap", { to_pump: to?.pump ?? "", to_channel: to?.channel ?? "", reason });
  };
  return (
    <AskForm {...common} title="Move it" words={toPump ? "Move to that pump" : "Move to that bed"} check={check} request={request}
      fields={["to", "bed", "reason"]}>
      <Choice draft={draft} name="how" label="What moves" options={[["pump", "Another pump takes over"], ["bed", "The patient goes to another bed, with every pump"]]} />
      {toPump
        ? <Choice draft={draft} name="to" label={free.length ? "The other pump" : "No pump of this node is free"}
            options={free.map((other) => [other.key, `${other.pump}${other.bed ? ` (bed ${other.bed})` : ""}`] as const)} />
        : <div class="fields">
            <Field draft={draft} name="bed" label="Bed" longest={32} />
            <Field draft={draft} name="ward" label="Ward" hint="Empty: the same ward" />
          </div>}
      <Field draft={draft} name="reason" label="Because" longest={200} />
    </AskForm>
  );
}
