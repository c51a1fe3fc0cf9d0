/** Whether a card's numbers may be read as live: the server's word, the daemon's, and our own link's age. */

import type { Card } from "./types";

export type Freshness = "fresh" | "stale" | "lost" | "not-live";

/** Return the worst that any of the three says; `age` is null when nothing was ever read. */
export function freshness(card: Card, ageMs: number | null, linkUp: boolean): Freshness {
  if (!linkUp || card.not_live !== "") return "not-live";
  if (ageMs === null || card.reading === null) return "lost";
  if (ageMs > (card.lost_after_ms ?? 0) || card.freshness === "lost") return "lost";
  if (ageMs > (card.stale_after_ms ?? 0) || card.freshness === "stale") return "stale";
  return "fresh";
}

const DELIVERING = new Set(["running", "priming", "flushing", "bolus", "kvo", "unknown"]);

/** Return whether fluid should flow as far as is known; not known counts as flowing. */
export function delivers(card: Card): boolean {
  return card.reading !== null && DELIVERING.has(card.reading.status);
}
