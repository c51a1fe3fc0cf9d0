/** A form that asks the daemon: each problem beside its field, nothing typed is lost until it was taken. */

import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { ask, asked, type Request } from "./ask";
import { type Draft, fieldOf, sentence, type, typed } from "./draft";
import { forgetGrants } from "./identify";

interface FieldProps {
  draft: Signal<Draft>;
  name: string;
  label: string;
  unit?: string;
  hint?: string;
  /** Numbers get the keyboard of numbers on a phone. */
  digits?: boolean;
  optional?: boolean;
  longest?: number;
}

export function Field({ draft, name, label, unit, hint, digits = false, optional = false, longest = 64 }: FieldProps) {
  const problem = draft.value.problems[name];
  const id = `field-${name}`;
  return (
    <div class={`field ${digits ? "is-digits" : ""} ${problem ? "is-wrong" : ""}`}>
      <label for={id}>{label}{optional && <span class="quiet-text"> (if ordered)</span>}</label>
      <span class="field-input">
        <input id={id} name={name} maxLength={longest} autoComplete="off" inputMode={digits ? "decimal" : "text"}
          value={draft.value.values[name] ?? ""} aria-invalid={!!problem} aria-describedby={`${id}-told`}
          onInput={(event) => type(draft, name, event.currentTarget.value)} />
        {unit && <span class="field-unit">{unit}</span>}
      </span>
      <p class="field-told" id={`${id}-told`}>{problem ?? hint}</p>
    </div>
  );
}

interface ChoiceProps {
  draft: Signal<Draft>;
  name: string;
  label: string;
  options: readonly (readonly [value: string, words: string])[];
}

/** A few large buttons of which one is chosen. */
export function Choice({ draft, name, label, options }: ChoiceProps) {
  const problem = draft.value.problems[name];
  return (
    <fieldset class={`field choices ${problem ? "is-wrong" : ""}`} aria-describedby={`field-${name}-told`}>
      <legend>{label}</legend>
      <div class="choice-row">
        {options.map(([value, words]) => (
          <label key={value} class={`choice ${typed(draft, name) === value ? "chosen" : ""}`}>
            <input type="radio" name={name} checked={typed(draft, name) === value} onChange={() => type(draft, name, value)} />
            {words}
          </label>
        ))}
      </div>
      <p class="field-told" id={`field-${name}-told`}>{problem}</p>
    </fieldset>
  );
}

interface FormProps {
  /** Where "asked" stands; one for each form. */
  place: string;
  draft: Signal<Draft>;
  title: string;
  words: string;
  live: boolean;
  /** Names of the fields, in their order, for a refusal to stand beside. */
  fields: readonly string[];
  /** Return what is wrong by field, before anything is asked. */
  check: () => Record<string, string>;
  request: () => Request;
  /** Whether the daemon's own state shows it. */
  seen: () => boolean;
  onDone: () => void;
  onBack: () => void;
  children: ComponentChildren;
}

export function AskForm({ place, draft, title, words, live, fields, check, request, seen, onDone, onBack, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const state = asked.value.get(place);
  const waiting = state?.state === "asked";
  const show = (problems: Record<string, string>) => {
    draft.value = { ...draft.value, problems };
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>(".is-wrong input")?.focus());
  };
  const submit = async () => {
    const problems = check();
    if (Object.values(problems).some(Boolean)) return show(problems);
    draft.value = { ...draft.value, problems: {} };
    const failed = await ask(place, "form", [request()], seen);
    if (failed === null) onDone();
    else if (failed.state === "given-up") return;
    else if (failed.state === "refused") show({ [fieldOf(failed.field, fields)]: sentence(failed.reason) });
    else show({ "": "NOT DONE. Use the pump" });
  };
  const whole = draft.value.problems[""];
  return (
    <form ref={form} class="ask-form" noValidate aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h4>{title}</h4>
      {children}
      {whole && (
        <p class="form-told" role="alert">
          <b>{whole}</b>
          {whole.startsWith("NOT DONE") && <span> What you typed is still here. Look whether it was taken before you try again.</span>}
        </p>
      )}
      <div class="form-buttons">
        <button type="submit" class="primary" disabled={!live || waiting}>{waiting ? "Asked…" : words}</button>
        <button type="button" class="plain" onClick={() => (forgetGrants(place), onBack())}>Back</button>
        {!live && <span class="quiet-text">No live connection: nothing can be asked now. What you typed stays.</span>}
      </div>
    </form>
  );
}
