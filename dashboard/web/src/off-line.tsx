/** Take a pump that nobody uses off the line until a time, and put it back. */

import { useState } from "preact/hooks";
import type { Request } from "./ask";
import { draftOf, dropDraft, type, typed } from "./draft";
import { AskForm, Choice, Field } from "./form";
import { span } from "./format";
import { offLine } from "./order";
import { mayAsk } from "./session";
import { cards, linkUp } from "./store";
import type { Card } from "./types";
import { alarmWords } from "./words";

const HOUR_S = 3600;
const TIMES: readonly (readonly [string, string])[] = [1, 4, 24, 72].map((hours) => [
  String(hours * HOUR_S), hours < 48 ? span(hours * HOUR_S * 1000) : `${hours / 24} days`,
]);
const REASONS = ["Not in use", "Being cleaned", "In the workshop"];

/** Return the request of verb `off-line`; 0 seconds put the pump back. */
export function offLineRequest(card: Card, forS: number, reason: string): Request {
  const { node, boot_id, pump, channel } = card;
  return { path: "off-line", body: { node, boot_id, pump, channel, for_s: forS, reason } };
}

export function OffLine({ card }: { card: Card }) {
  const [opened, open] = useState(false);
  const off = offLine(card);
  const key = `${card.key} off-line`;
  const draft = draftOf(key, { for: String(4 * HOUR_S), reason: off ? "In use again" : "" });
  const done = () => {
    dropDraft(key);
    open(false);
  };
  const seen = () => {
    const present = cards.value.get(card.key)?.value;
    return present !== undefined && offLine(present)?.revision !== off?.revision;
  };
  return (
    <div class="off-line">
      {off && <p><b>{alarmWords(off, null)}</b></p>}
      {!opened && mayAsk("off-line") && (
        <button type="button" class="plain" onClick={() => open(true)}>{off ? "Put it back on the line" : "Take it off the line"}</button>
      )}
      {opened && (
        <AskForm place={key} draft={draft} live={linkUp.value && card.not_live === ""} seen={seen} onDone={done} onBack={() => open(false)}
          title={off ? "Back on the line" : "Off the line"} words={off ? "Put it back" : "Take it off the line"} fields={["for", "reason"]}
          check={() => (typed(draft, "reason") ? {} : { reason: "Write why." })}
          request={() => offLineRequest(card, off ? 0 : Number(typed(draft, "for")), typed(draft, "reason"))}>
          {!off && (
            <>
              <p>Only a pump that stands, with nobody connected. Its silence is no alarm until then; if it delivers, that is one at once.</p>
              <Choice draft={draft} name="for" label="For" options={TIMES} />
              <div class="choice-row">
                {REASONS.map((words) => (
                  <button type="button" key={words} class={`plain ${typed(draft, "reason") === words ? "chosen" : ""}`}
                    onClick={() => type(draft, "reason", words)}>{words}</button>
                ))}
              </div>
            </>
          )}
          <Field draft={draft} name="reason" label="Because" longest={200} />
        </AskForm>
      )}
    </div>
  );
}
