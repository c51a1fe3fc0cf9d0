/** Alarm sound through WebAudio: blocked until a person allows it, and the page says so. */

import { effect, signal } from "@preact/signals";
import { MELODIES, waitMs, type Burst, type Melody, type Sounding } from "./melody";
import { delivers } from "./freshness";
import { sounds } from "./quiet";
import { cards, everLinked, linkUp, second, wallNow, wardAlarms } from "./store";
import type { Priority } from "./types";

export type SoundState = "off" | "blocked" | "on";

/** Whether this page can sound: off until asked, blocked when the browser stopped it again. */
export const soundState = signal<SoundState>("off");

const LEVEL = 0.4;
/** The fundamental and four harmonics within 15 dB of it: heard in a noisy room, and found by ear. */
const HARMONICS = [0, 1, 0.7, 0.5, 0.4, 0.3];

let context: AudioContext | null = null;
let wave: PeriodicWave | null = null;

/** Allow sound: must be called from a click or a key. */
export async function enableSound(): Promise<void> {
  context ??= makeContext();
  await context.resume();
  look();
}

function makeContext(): AudioContext {
  const made = new AudioContext();
  made.onstatechange = look;
  wave = made.createPeriodicWave(new Float32Array(HARMONICS.length), new Float32Array(HARMONICS));
  return made;
}

function look(): void {
  soundState.value = !context ? "off" : context.state === "running" ? "on" : "blocked";
}

/** Play one burst now. */
function play(melody: Melody): void {
  if (!context || !wave || context.state !== "running") return;
  const start = context.currentTime + 0.02;
  for (const pulse of melody.pulses) {
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.setPeriodicWave(wave);
    tone.frequency.value = pulse.hz;
    // Rise within 10 to 20 % of the pulse, and fall before it ends: no clicks.
    const rise = pulse.lengthS * 0.15;
    const at = start + pulse.atS;
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(LEVEL, at + rise);
    level.gain.setValueAtTime(LEVEL, at + pulse.lengthS - rise);
    level.gain.linearRampToValueAtTime(0, at + pulse.lengthS);
    tone.connect(level).connect(context.destination);
    tone.start(at);
    tone.stop(at + pulse.lengthS);
  }
}

/** Play the HIGH melody once, so that people know it and know that it works. */
export function testSound(): void {
  play(MELODIES.HIGH);
}

/** Return what should sound now: the worst alarm nobody has answered or silenced, or our own lost link. */
export function wanted(): Sounding | null {
  const infusing = [...cards.value.values()].some((card) => delivers(card.peek()));
  if (!linkUp.value) return everLinked.value && infusing ? "LINK_LOST" : null;
  // The end of a silence is a matter of time: looked at every second.
  void second.value;
  const wallMs = wallNow();
  const open = wardAlarms.value.filter(({ alarm }) => sounds(alarm, wallMs));
  const worst = open[0] && open.map(({ alarm }) => alarm.priority).sort((a, b) => ORDER[a] - ORDER[b])[0];
  if (worst === "HIGH") return worst;
  const dark = [...cards.value.values()].some((card) => {
    const { not_live: notLive } = card.value;
    return notLive !== "" && notLive !== "never" && notLive !== "node-offline" && delivers(card.peek());
  });
  return dark ? "LINK_LOST" : (worst ?? null);
}

const ORDER: Record<Priority, number> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** Sound for as long as the page lives: at once when something worse comes, then in its own rhythm. */
export function startSounding(): void {
  let last: Burst | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const sound = (next: Sounding) => {
    last = { sounding: next, atMs: performance.now() };
    play(MELODIES[next]);
    timer = setTimeout(() => sound(next), MELODIES[next].everyS * 1000);
  };
  effect(() => {
    const next = soundState.value === "on" ? wanted() : null;
    clearTimeout(timer);
    if (next) timer = setTimeout(() => sound(next), waitMs(last, next, performance.now()));
  });
}
