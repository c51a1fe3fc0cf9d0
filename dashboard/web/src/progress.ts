/** How much is left, and for how long. */

import { span } from "./format";
import type { Reading } from "./types";

/** Return what is still to be infused in mL: as the pump says, else by the order; null when neither is known. */
export function volumeLeft(reading: Reading, orderedMl: string | null): number | null {
  if (reading.vtbi_ml !== null) return Number(reading.vtbi_ml);
  if (orderedMl === null || reading.volume_ml === null) return null;
  return Math.max(0, Number(orderedMl) - Number(reading.volume_ml));
}

/** Return how long the rest takes at this flow, empty when it can not be told. */
export function timeLeft(reading: Reading, leftMl: number | null): string {
  const flow = Number(reading.flow_ml_h);
  return leftMl !== null && leftMl > 0 && flow > 0 ? `${span((leftMl / flow) * 3_600_000)} left` : "";
}
