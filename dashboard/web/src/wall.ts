/** How a wall of a known size is filled. */

import type { Placed } from "./order";

/** Return how many of the ordered cards fit into `cells` when each alarm takes two of a row. */
export function fitting(order: Placed[], columns: number, cells: number): number {
  let used = 0;
  for (const [index, { group }] of order.entries()) {
    const wide = group === "alarm" && columns > 1 ? 2 : 1;
    // A wide card does not break over the end of a row.
    const skipped = wide === 2 && used % columns === columns - 1 ? 1 : 0;
    if (used + skipped + wide > cells) return index;
    used += skipped + wide;
  }
  return order.length;
}
