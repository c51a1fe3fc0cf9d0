/** Speaks every new alarm once to those who listen to the page. */

import { useEffect, useState } from "preact/hooks";
import { isShelved } from "./quiet";
import { wardAlarms } from "./store";
import { alarmWords } from "./words";

const spoken = new Set<string>();

/** Return the words of alarms not yet in `known`, and put them there. */
export function newWords(all: typeof wardAlarms.value, known: Set<string>): string[] {
  const words: string[] = [];
  for (const { alarm, card, node } of all) {
    if (alarm.signal !== "on") continue;
    const id = `${card?.key ?? node} ${alarm.condition} ${alarm.revision} ${alarm.since}`;
    if (isShelved(alarm)) {
      // Whoever put it off asked to be reminded: then it is spoken again.
      known.delete(id);
      continue;
    }
    if (known.has(id)) continue;
    known.add(id);
    words.push(`Bed ${card ? card.bed || card.pump : node}, ${alarm.priority} alarm: ${alarmWords(alarm, null)}`);
  }
  return words;
}

export function LiveRegion() {
  const [text, setText] = useState("");
  const all = wardAlarms.value;
  useEffect(() => {
    const words = newWords(all, spoken);
    if (words.length > 0) setText(words.join(". "));
  }, [all]);
  return <p class="spoken" aria-live="assertive" role="status">{text}</p>;
}
