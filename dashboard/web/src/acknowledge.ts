/** "I have it": asks the server, which asks the daemon; the card changes only when the daemon's state does. */

import { signal } from "@preact/signals";
import type { Alarm } from "./types";

const NAME_KEY = "pumpd-name";
/** A little more than the server waits for the daemon. */
const WAIT_MS = 4000;
/** How long a refusal stays on the card. */
const TOLD_MS = 15_000;

/** Who answers alarms at this page; forgotten when the page is closed. */
export const userName = signal(sessionStorage.getItem(NAME_KEY) ?? "");

export function rememberName(name: string): void {
  userName.value = name.trim();
  sessionStorage.setItem(NAME_KEY, userName.value);
}

export type Asked = { state: "asked" } | { state: "refused"; reason: string } | { state: "not-done"; reason: string };

/** What was asked and not yet seen in the daemon's state, by the key of a card or node. */
export const asked = signal<ReadonlyMap<string, Asked>>(new Map());

function tell(key: string, what: Asked | null): void {
  const next = new Map(asked.peek());
  if (what) next.set(key, what);
  else next.delete(key);
  asked.value = next;
}

interface Place {
  key: string;
  node: string;
  boot_id: string;
  pump: string | null;
  channel: string | null;
}

async function ask(place: Place, alarm: Alarm): Promise<Asked | null> {
  try {
    const response = await fetch("/api/acknowledge", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        node: place.node,
        boot_id: place.boot_id,
        pump: place.pump,
        channel: place.channel,
        condition: alarm.condition,
        revision: alarm.revision,
        user: userName.peek(),
      }),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (!response.ok) return { state: "not-done", reason: `the dashboard answered ${response.status}` };
    const answer = (await response.json()) as { outcome: string; reason: string };
    if (answer.outcome === "accepted") return null;
    return { state: answer.outcome === "refused" ? "refused" : "not-done", reason: answer.reason };
  } catch {
    return { state: "not-done", reason: "no answer" };
  }
}

/** Say "I have it" of every alarm shown at `place` that nobody has; each is asked for by its own revision. */
export async function acknowledge(place: Place, alarms: Alarm[]): Promise<void> {
  const open = alarms.filter((alarm) => alarm.signal === "on" || alarm.signal === "latched");
  if (open.length === 0) return;
  tell(place.key, { state: "asked" });
  const answers = await Promise.all(open.map((alarm) => ask(place, alarm)));
  const worst = answers.find((answer) => answer?.state === "not-done") ?? answers.find((answer) => answer !== null);
  tell(place.key, worst ?? null);
  if (worst) {
    setTimeout(() => {
      if (asked.peek().get(place.key) === worst) tell(place.key, null);
    }, TOLD_MS);
  }
}
