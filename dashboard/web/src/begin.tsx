/** Begin an infusion: a template first, then the patient, the checklist and the second person. */

import { useEffect } from "preact/hooks";
import { Accepted, AnotherPatient, Checklist } from "./checklist";
import { draftOf, dropDraft, type, typed } from "./draft";
import { AskForm, Choice, Field } from "./form";
import { unit } from "./format";
import { delivers } from "./freshness";
import { BEGIN_FIELDS, beginBody, beginProblems, firstValues, infusionRequest, movedSince } from "./infusion-ask";
import type { Template } from "./infusion-types";
import { loadTemplates, templates, templatesFailed } from "./templates";
import type { Card } from "./types";
import { capital } from "./words";

interface Props {
  card: Card;
  live: boolean;
  onDone: () => void;
}

export function Begin({ card, live, onDone }: Props) {
  const chosen = draftOf(`${card.key} template`);
  useEffect(() => void loadTemplates(), []);
  const known = templates.value;
  if (!known) {
    return (
      <p class="quiet-text" role="status">
        {templatesFailed.value ? "The clinic's templates can not be read: " : "Reading the clinic's templates. "}
        {templatesFailed.value && <button type="button" class="link" onClick={() => void loadTemplates()}>try again</button>}
      </p>
    );
  }
  if (known.length === 0) return <p>The clinic has no templates: an engineer writes them into the configuration.</p>;
  const template = known.find((one) => one.name === typed(chosen, "template")) ?? (known.length === 1 ? known[0] : undefined);
  return (
    <>
      {known.length > 1 && (
        <Choice draft={chosen} name="template" label="What is given" options={known.map((one) => [one.name, one.name] as const)} />
      )}
      {template
        ? <BeginWith key={template.name} card={card} live={live} template={template} onDone={() => {
            dropDraft(`${card.key} template`);
            onDone();
          }} />
        : <button type="button" class="plain" onClick={onDone}>Back</button>}
    </>
  );
}

function BeginWith({ card, live, template, onDone }: Props & { template: Template }) {
  const key = `${card.key} begin ${template.name}`;
  const draft = draftOf(key, firstValues(template));
  const { order } = template;
  const runs = delivers(card);
  const done = () => {
    dropDraft(key);
    onDone();
  };
  return (
    <AskForm
      place={`${card.key} infusion`} draft={draft} title={`${template.name}: ${capital(order.drug)} ${order.concentration}`} words="Begin watching it"
      live={live} fields={BEGIN_FIELDS} seen={movedSince(card)} onDone={done} onBack={onDone}
      check={() => beginProblems(draft.peek().values, template, runs)}
      request={() => infusionRequest(card, "begin", beginBody(draft.peek().values, template))}
    >
      <p class="quiet-text">
        {runs
          ? "The pump runs already: what it gave before is not known. The checklist may be answered later."
          : "This starts nothing. You set the pump, and start it by hand."}
      </p>
      {template.advisories.length > 0 && <ul class="advice">{template.advisories.map((words) => <li key={words}>{words}</li>)}</ul>}
      <div class="fields">
        <Field draft={draft} name="label" label="Patient" hint="Initials, no name" longest={32} />
        <Field draft={draft} name="identifier" label="Second mark" hint="Such as the case number" />
        <Field draft={draft} name="weight_kg" label={order.dose_unit.includes("/kg") ? "Weight" : "Weight, if known"} unit="kg" digits longest={16} />
      </div>
      <div class="fields">
        <Field draft={draft} name="dose" label="Begin with" unit={unit(order.dose_unit)} digits longest={16} />
        <Field draft={draft} name="dose_min" label="Ordered from" unit={unit(order.dose_unit)} digits longest={16} />
        <Field draft={draft} name="dose_max" label="Ordered to" unit={unit(order.dose_unit)} digits longest={16} />
        <Field draft={draft} name="volume_ml" label="In the syringe or bag" unit="mL" digits optional longest={16} />
        <Field draft={draft} name="duration_min" label="For" unit="min" digits optional longest={16} />
      </div>
      {template.checklist.length > 0 && <Checklist draft={draft} title="Before the start" questions={template.checklist} />}
      {template.second_check && <Field draft={draft} name="checked_by" label="Checked by (a second person)" />}
      <AnotherPatient draft={draft} />
      <Accepted draft={draft} />
      <label class="tick">
        <input type="checkbox" checked={typed(draft, "new_series") === "yes"}
          onChange={(event) => type(draft, "new_series", event.currentTarget.checked ? "yes" : "")} />
        A new series: what the patient had before does not count to it
      </label>
    </AskForm>
  );
}
