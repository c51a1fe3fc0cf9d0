/** The server's clock against ours, by the rule the server uses towards the daemon: transit adds to age. */

const WINDOW_MS = 600_000;
const SLOT_MS = 10_000;

/** Learns the smallest (arrived - sent) of the last ten minutes from the frames of one connection. */
export class Transit {
  private slots: { slot: number; difference: number }[] = [];

  observe(sentMs: number, arrivedMs: number): number {
    const difference = arrivedMs - sentMs;
    const slot = Math.floor(arrivedMs / SLOT_MS);
    const oldest = Math.floor((arrivedMs - WINDOW_MS) / SLOT_MS);
    while (this.slots.length > 1 && this.slots[0]!.slot < oldest) this.slots.shift();
    if (this.slots[0] && this.slots[0].slot < oldest) this.slots[0].slot = slot;
    while (this.slots.length && this.slots[this.slots.length - 1]!.difference >= difference) this.slots.pop();
    if (this.slots[this.slots.length - 1]?.slot !== slot) this.slots.push({ slot, difference });
    return difference - this.slots[0]!.difference;
  }

  /** Return the age now of what was `ageMs` old when the server sent it; null before the first frame. */
  age(ageMs: number | null, sentMs: number, nowMs: number): number | null {
    const first = this.slots[0];
    if (ageMs === null || !first) return null;
    return Math.max(0, ageMs + nowMs - sentMs - first.difference);
  }
}
