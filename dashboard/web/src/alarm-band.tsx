/** The top of a card in alarm: what, since when, what to do, and one button. */

import { useState } from "preact/hooks";
import { acknowledge, asked, rememberName, userName } from "./acknowledge";
import { AlarmIcon } from "./icon";
import { serverTime } from "./store";
import type { Alarm } from "./types";
import { actionWords, alarmWords, sinceWords } from "./words";

interface Props {
  place: { key: string; node: string; boot_id: string; pump: string | null; channel: string | null };
  /** Worst first, at least one. */
  alarms: Alarm[];
  ageMs: number | null;
  /** False on the wall, where nobody can reach it. */
  answerable: boolean;
  /** False when the daemon can not be reached: the button would not do anything. */
  live: boolean;
}

export function AlarmBand({ place, alarms, ageMs, answerable, live }: Props) {
  const [worst, ...others] = alarms;
  if (!worst) return null;
  const nowMs = new Date(serverTime.value).getTime();
  const open = alarms.some((alarm) => alarm.signal === "on" || alarm.signal === "latched");
  const sure = alarms.every((alarm) => alarm.journalled);
  const answer = answerable && open && <Answer place={place} alarms={alarms} live={live} />;
  return (
    <section class={`band band-${worst.priority} is-${worst.signal}`} data-condition={worst.condition}>
      <div class="band-head">
        <AlarmIcon priority={worst.priority} />
        <p class="band-title">{alarmWords(worst, ageMs)}</p>
      </div>
      <div class="band-foot">
        <p class="band-action">
          {actionWords(worst)} <span class="band-since">{sinceWords(worst, nowMs)}</span>
        </p>
        {others.length === 0 && answer}
      </div>
      {others.length > 0 && (
        <ul class="band-others">
          {others.map((alarm) => (
            <li key={alarm.condition}>
              <AlarmIcon priority={alarm.priority} small />
              <span>
                {alarmWords(alarm, ageMs)}
                {alarm.signal === "latched" && ". Over."} <span class="band-since">{sinceWords(alarm, nowMs)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {!sure && <p class="band-note">Not yet in the journal.</p>}
      {others.length > 0 && answer}
    </section>
  );
}

function Answer({ place, alarms, live }: Pick<Props, "place" | "alarms" | "live">) {
  const [naming, setNaming] = useState(false);
  const state = asked.value.get(place.key);
  if (naming) {
    return (
      <form
        class="answer"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = new FormData(event.currentTarget).get("name");
          const name = typeof typed === "string" ? typed.trim() : "";
          if (!name) return;
          rememberName(name);
          setNaming(false);
          void acknowledge(place, alarms);
        }}
      >
        <input name="name" maxLength={64} placeholder="Your name" aria-label="Your name" autoComplete="off"
          ref={(input) => input?.focus()} required />
        <button type="submit" class="have-it">I have it</button>
      </form>
    );
  }
  return (
    <div class="answer">
      {state?.state === "not-done" && <p class="answer-told not-done" role="alert">NOT DONE. Use the pump</p>}
      {state?.state === "refused" && <p class="answer-told" role="alert">Refused: {state.reason}</p>}
      <button
        class="have-it"
        disabled={!live || state?.state === "asked"}
        onClick={() => (userName.peek() ? void acknowledge(place, alarms) : setNaming(true))}
      >
        {state?.state === "asked" ? "Asked…" : "I have it"}
      </button>
    </div>
  );
}
