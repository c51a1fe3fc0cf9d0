/** What the drug library asks of a person: its checklist, and why a soft limit may be passed. */

import type { Signal } from "@preact/signals";
import { type Draft, typed } from "./draft";
import { Choice, Field } from "./form";
import type { Question } from "./infusion-types";

/** The reason why a soft limit may be passed: asked for only once the daemon says that one is. */
export function Accepted({ draft }: { draft: Signal<Draft> }) {
  const shown = draft.value.problems["accepted"] || typed(draft, "accepted");
  return shown ? <Field draft={draft} name="accepted" label="It may be so, because" longest={200} /> : null;
}

/** The reason why this is another patient: asked for only once the daemon knows the label by another second mark. */
export function AnotherPatient({ draft }: { draft: Signal<Draft> }) {
  const shown = draft.value.problems["another_patient"] || typed(draft, "another_patient");
  return shown ? <Field draft={draft} name="another_patient" label="It is another patient, because" longest={200} /> : null;
}

export function Checklist({ draft, title, questions }: { draft: Signal<Draft>; title: string; questions: Question[] }) {
  const told = draft.value.problems["checklist"];
  return (
    <section class={`checklist ${told ? "is-wrong" : ""}`} aria-label={title}>
      <h5>{title}</h5>
      {told && <p class="field-told">{told}</p>}
      {questions.map((question, index) => (
        <div key={question.ask} class="question">
          <Choice draft={draft} name={`q${index}`} label={question.ask} options={[["no", "No"], ["yes", "Yes"]]} />
          {typed(draft, `q${index}`) === "yes" && question.second_person && (
            <div class="fields">
              <Field draft={draft} name={`q${index}-second`} label="Who else looked" />
              <Field draft={draft} name={`q${index}-reason`} label="It goes on, because" longest={200} />
            </div>
          )}
        </div>
      ))}
    </section>
  );
}
