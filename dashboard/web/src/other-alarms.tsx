/** On a pump's own page: what is wrong at other beds, so that looking at one never hides another. */

import { AlarmIcon } from "./icon";
import { isShelved } from "./quiet";
import { pageOf } from "./route";
import { wardAlarms } from "./store";
import { alarmWords } from "./words";

/** Said by name; more are counted. */
const NAMED = 3;

export function OtherAlarms({ than }: { than: string }) {
  const seen = new Set<string>();
  const others = wardAlarms.value.filter(({ alarm, card }) => {
    if (!card || card.key === than || alarm.signal === "acknowledged" || isShelved(alarm) || seen.has(card.key)) return false;
    return seen.add(card.key);
  });
  if (others.length === 0) return null;
  return (
    <nav class="others" aria-label="Alarms at other beds">
      {others.slice(0, NAMED).map(({ alarm, card }) => card && (
        <a class={`other band-${alarm.priority}`} href={pageOf(card.key)} key={card.key}>
          <AlarmIcon priority={alarm.priority} small />
          <span><b>Bed {card.bed || card.pump}</b> {alarmWords(alarm, null)}</span>
        </a>
      ))}
      {others.length > NAMED && <a class="other other-rest" href="#/">{others.length - NAMED} more</a>}
    </nav>
  );
}
