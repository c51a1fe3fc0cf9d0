/** How much is left, and for how long. */

import { span } from "./format";
import type { Reading } from "./types";

/** Return what is still to be infused in mL: as the pump says, else by the order; null when neither is known. */
export function volumeLeft(reading: Reading, orderedMl: string | null): number | null {
  if (reading.vtbi_ml !== null) return Number(reading.vtbi_ml);
  if (orderedMl === null || reading.volume_ml === null) return null;
  return Math.max(0, Number(orderedMl) - Number(reading.volume_ml));
}

/** From here on pumpd itself says that the end is near. */
const NEAR_MS = 11 * 60_000;

/**
 * Return how long the rest takes: its volume at this flow, and no longer than the order lasts. Empty when it can not be told,
 * also where `isNear`: the end is said to be near, and the volume does not know why.
 */
export function timeLeft(reading: Reading, leftMl: number | null, orderedS: number | null = null, isNear = false): string {
  const flow = Number(reading.flow_ml_h);
  if (leftMl === null || leftMl <= 0 || flow <= 0) return "";
  const leftMs = Math.min((leftMl / flow) * 3_600_000, orderedS === null ? Infinity : orderedS * 1000);
  return leftMs <= 0 || (isNear && leftMs > NEAR_MS) ? "" : `${span(leftMs)} left`;
}
