/** What a person says of alarms: "I have it", silence for a while, put off until a time, and the ends of these. */

import { ask, type Failure, type Request } from "./ask";
import { isOpen, isShelved } from "./quiet";
import { cards, nodes } from "./store";
import type { Alarm } from "./types";

/** Where alarms are shown: a channel of a pump, or a node. */
export interface Place {
  key: string;
  node: string;
  boot_id: string;
  pump: string | null;
  channel: string | null;
}

/** The longest pause of a HIGH alarm. */
export const SILENCE_S = 120;

type Verb = "acknowledge" | "pause-audio" | "resume-audio" | "shelve" | "unshelve" | "accept";

/** Say "I have it" of every alarm shown at `place` that nobody has; each is asked for by its own revision. */
export function acknowledge(place: Place, alarms: Alarm[]): Promise<Failure | null> {
  return say(place, "acknowledge", alarms.filter(isOpen), (alarm) => ({ revision: alarm.revision }));
}

/** Silence what sounds at `place`, for two minutes. */
export function silence(place: Place, alarms: Alarm[]): Promise<Failure | null> {
  return say(place, "pause-audio", canSilence(alarms), (alarm) => ({ revision: alarm.revision, for_s: SILENCE_S }));
}

export function soundAgain(place: Place, alarms: Alarm[]): Promise<Failure | null> {
  return say(place, "resume-audio", alarms.filter((alarm) => alarm.inactivation?.kind === "audio-paused"), () => ({}));
}

/** Put off what may be put off at `place`, for so many seconds, and say why. */
export function putOff(place: Place, alarms: Alarm[], forS: number, reason: string): Promise<Failure | null> {
  const body = (alarm: Alarm) => ({ revision: alarm.revision, for_s: forS, reason });
  return say(place, "shelve", canPutOff(alarms), body);
}

export function remindNow(place: Place, alarms: Alarm[]): Promise<Failure | null> {
  return say(place, "unshelve", alarms.filter(isShelved), () => ({}));
}

/** Accept a soft limit that is passed on purpose, and say why: at this value it is told no more. */
export function accept(place: Place, alarm: Alarm, reason: string): Promise<Failure | null> {
  return say(place, "accept", [alarm], () => ({ revision: alarm.revision, reason }));
}

/** The alarms at `place` that may be accepted: soft limits that are passed now, while an infusion goes on. */
export function canAccept(place: Place, alarms: Alarm[]): Alarm[] {
  const infusion = cards.value.get(place.key)?.value.infusion;
  if (!infusion || infusion.state === "ended") return [];
  return alarms.filter((alarm) => alarm.soft && (alarm.signal === "on" || alarm.signal === "acknowledged"));
}

/** The alarms whose sound can be paused. */
export function canSilence(alarms: Alarm[]): Alarm[] {
  return alarms.filter((alarm) => isOpen(alarm) && !alarm.inactivation);
}

/** The alarms that can be put off: none of HIGH priority, and nothing beside one of HIGH priority. */
export function canPutOff(alarms: Alarm[]): Alarm[] {
  const open = alarms.filter((alarm) => isOpen(alarm) && !isShelved(alarm));
  return open.some((alarm) => alarm.priority === "HIGH") ? [] : open;
}

async function say(place: Place, verb: Verb, alarms: Alarm[], more: (alarm: Alarm) => object): Promise<Failure | null> {
  if (alarms.length === 0) return null;
  const { node, boot_id, pump, channel } = place;
  const requests: Request[] = alarms.map((alarm) => ({
    path: verb,
    body: { node, boot_id, pump, channel, condition: alarm.condition, ...more(alarm) },
  }));
  return ask(place.key, verb, requests, () => alarms.every((alarm) => moved(place, alarm)));
}

/** Return whether the daemon's own state of `alarm` is another than when it was asked. */
function moved(place: Place, alarm: Alarm): boolean {
  const present =
    place.pump === null
      ? nodes.value.find((part) => part.node === place.node)?.status?.alarms
      : cards.value.get(place.key)?.value.alarms;
  const is = present?.find((one) => one.condition === alarm.condition);
  return (
    is?.signal !== alarm.signal || is.revision !== alarm.revision || is.inactivation?.at !== alarm.inactivation?.at
  );
}
