/** Alarm melodies as lists of pulses: IEC 60601-1-8, drug delivery; and equipment failure for our own link. */

import type { Priority } from "./types";

const D4 = 293.66;
const G4 = 392.0;
const C4 = 261.63;
const C5 = 523.25;

export interface Pulse {
  hz: number;
  atS: number;
  lengthS: number;
}

export interface Melody {
  pulses: Pulse[];
  /** From the start of one burst to the start of the next. */
  everyS: number;
}

/** HIGH: pulses of 150 ms, 100 ms apart; 3 to 4 and 8 to 9: twice the gap and a pulse; 5 to 6: 0.5 s. */
function high(notes: [number, number, number, number, number]): Pulse[] {
  const lengthS = 0.15;
  const gapS = 0.1;
  const pulses: Pulse[] = [];
  let atS = 0;
  for (let half = 0; half < 2; half += 1) {
    notes.forEach((hz, index) => {
      pulses.push({ hz, atS, lengthS });
      const after = index === 2 ? 2 * gapS + lengthS : index === 4 ? 0.5 : gapS;
      atS += lengthS + after;
    });
  }
  return pulses;
}

function even(notes: number[], lengthS: number, gapS: number): Pulse[] {
  return notes.map((hz, index) => ({ hz, atS: index * (lengthS + gapS), lengthS }));
}

/** What a melody stands for. */
export type Sounding = Priority | "LINK_LOST";

export const MELODIES: Record<Sounding, Melody> = {
  HIGH: { pulses: high([C5, D4, G4, C5, D4]), everyS: 8 },
  MEDIUM: { pulses: even([C5, D4, G4], 0.2, 0.2), everyS: 15 },
  LOW: { pulses: even([329.63, C4], 0.2, 0.2), everyS: 30 },
  LINK_LOST: { pulses: high([C5, C4, C4, C5, C4]), everyS: 10 },
};

/** A burst that was begun. */
export interface Burst {
  sounding: Sounding;
  atMs: number;
}

const URGENCY: Record<Sounding, number> = { HIGH: 3, LINK_LOST: 2, MEDIUM: 1, LOW: 0 };

/** Return how long until the next burst: none for something worse, else when the last burst's rhythm allows it, so
 * that an alarm that comes and goes neither stutters nor falls silent. */
export function waitMs(last: Burst | null, next: Sounding, nowMs: number): number {
  if (!last || URGENCY[next] > URGENCY[last.sounding]) return 0;
  return Math.max(0, last.atMs + MELODIES[last.sounding].everyS * 1000 - nowMs);
}
