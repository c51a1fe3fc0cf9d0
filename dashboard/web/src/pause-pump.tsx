/** Ask pumpd to pause a pump: offered only where it may, and asked only after a second look, with a reason. */

import { useState } from "preact/hooks";
import type { Request } from "./ask";
import { draftOf, dropDraft, type, typed } from "./draft";
import { AskForm, Field } from "./form";
import { delivers, type Freshness } from "./freshness";
import { mayAsk } from "./session";
import { cards, linkUp } from "./store";
import type { Card } from "./types";

const REASONS = ["Too fast", "The patient is unwell", "A doctor asked for it"];

/** Return the request of verb `pause-pump`. There is none that starts a pump or raises its rate. */
export function pauseRequest(card: Card, reason: string): Request {
  const { node, boot_id, pump, channel } = card;
  return { path: "pause-pump", body: { node, boot_id, pump, channel, reason } };
}

/** Return whether a pause may be asked for: pumpd may pause it, and nothing says that it stands already. */
export function canPause(card: Card, fresh: Freshness): boolean {
  return card.restraint?.may_pause === true && (fresh !== "fresh" || delivers(card));
}

export function PausePump({ card, fresh }: { card: Card; fresh: Freshness }) {
  const [opened, open] = useState(false);
  if (!mayAsk("pause-pump") || !(opened || canPause(card, fresh))) return null;
  const name = card.bed ? `bed ${card.bed}` : card.pump;
  const key = `${card.key} pause-pump`;
  const draft = draftOf(key);
  const close = () => {
    dropDraft(key);
    open(false);
  };
  const stands = () => {
    const present = cards.value.get(card.key)?.value;
    return present?.reading != null && !delivers(present);
  };
  return (
    <div class="pause-pump">
      {!opened && <button type="button" class="plain" onClick={() => open(true)}>Pause this pump…</button>}
      {opened && (
        <AskForm place={key} draft={draft} live={linkUp.value && card.not_live === ""} seen={stands} onDone={close} onBack={close}
          title={`Pause ${name}?`} words={`Pause ${name}`} fields={["reason"]}
          check={() => (typed(draft, "reason") ? {} : { reason: "Write why." })}
          request={() => pauseRequest(card, typed(draft, "reason"))}>
          <p>The infusion stops{card.label ? ` for ${card.label}` : ""}. Only a hand at the pump can start it again.</p>
          <div class="choice-row">
            {REASONS.map((words) => (
              <button type="button" key={words} class={`plain ${typed(draft, "reason") === words ? "chosen" : ""}`}
                onClick={() => type(draft, "reason", words)}>{words}</button>
            ))}
          </div>
          <Field draft={draft} name="reason" label="Because" longest={200} />
        </AskForm>
      )}
    </div>
  );
}
