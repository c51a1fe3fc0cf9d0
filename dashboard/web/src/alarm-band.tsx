/** The top of a card in alarm: what, since when, what to do, who quieted it, and its buttons. */

import { Answer } from "./answer";
import type { Place } from "./answers";
import { AlarmIcon, QuietIcon } from "./icon";
import { isShelved, quietWords, toldWords } from "./quiet";
import { now, serverTime, wallNow } from "./store";
import type { Alarm } from "./types";
import { actionWords, alarmWords, sinceWords } from "./words";

interface Props {
  place: Place;
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
  void now.value;
  const quiet = quietWords(worst, wallNow());
  // Said once for a whole bed that was quieted in one go.
  const otherWords = (alarm: Alarm) => {
    const words = quietWords(alarm, wallNow());
    return words === quiet ? "" : words;
  };
  const sure = alarms.every((alarm) => alarm.journalled);
  return (
    <section class={`band band-${worst.priority} is-${isShelved(worst) ? "shelved" : worst.signal}`} data-condition={worst.condition}>
      <div class="band-head">
        <AlarmIcon priority={worst.priority} />
        <p class="band-title">{alarmWords(worst, ageMs)}</p>
      </div>
      <div class="band-foot">
        <p class="band-action">
          {actionWords(worst)} <span class="band-since">{sinceWords(worst, nowMs)}</span>
        </p>
        <Quieted alarm={worst} words={quiet} />
      </div>
      {toldWords(worst) && <p class="band-note">{toldWords(worst)}</p>}
      {others.length > 0 && (
        <ul class="band-others">
          {others.map((alarm) => (
            <li key={alarm.condition}>
              <AlarmIcon priority={alarm.priority} small />
              <span>
                {alarmWords(alarm, ageMs)}
                {alarm.signal === "latched" && ". Over."} <span class="band-since">{sinceWords(alarm, nowMs)}</span>
                <Quieted alarm={alarm} words={otherWords(alarm)} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {!sure && <p class="band-note">Not yet in the journal.</p>}
      {answerable && <Answer place={place} alarms={alarms} live={live} />}
    </section>
  );
}

/** Who silenced it or put it off, and until when: beside an alarm that is shown as before. */
function Quieted({ alarm, words }: { alarm: Alarm; words: string }) {
  if (!words) return null;
  return (
    <span class="band-quiet">
      <QuietIcon kind={alarm.inactivation?.kind ?? "audio-paused"} /> {words}
    </span>
  );
}
