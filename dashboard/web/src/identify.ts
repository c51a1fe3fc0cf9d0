/** Whoever acts is known: by the session, else by a sign-in or a PIN that is asked for then. */

import { signal } from "@preact/signals";
import { loadSession, session } from "./session";

/** What is asked of the person at the page. */
export type Question =
  | { what: "sign-in" }
  | { what: "pin"; title: string; words: string; name: string };

/** What came of it: the grant of a PIN, "" of a sign-in; null: given up. */
type Answer = string | null;

export const question = signal<(Question & { answer: (answer: Answer) => void }) | null>(null);

/** What PINs opened, by what it was for; the server lets them go after a minute. */
const GRANT_HOLDS_MS = 50_000;
const grants = new Map<string, { grant: string; untilMs: number }>();

function pose(asked: Question): Promise<Answer> {
  question.peek()?.answer(null);
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (answer) => {
        question.value = null;
        resolve(answer);
      },
    };
  });
}

async function pinFor(use: string, asked: Question & { what: "pin" }): Promise<Answer> {
  const known = grants.get(use);
  if (known && known.untilMs > performance.now()) return known.grant;
  const grant = await pose(asked);
  if (grant) grants.set(use, { grant, untilMs: performance.now() + GRANT_HOLDS_MS });
  return grant;
}

/** Forget what PINs opened at `key`: it was done, or given up. */
export function forgetGrants(key: string): void {
  for (const use of grants.keys()) if (use.startsWith(`${key} `)) grants.delete(use);
}

/** Return the headers that say who acts at `key`; null when nobody did. */
export async function identify(key: string): Promise<Record<string, string> | null> {
  const told = session.peek() ?? (await loadSession());
  if (told?.standing === "shared") {
    const grant = await pinFor(`${key} actor`, { what: "pin", title: "Who is it?", words: "Your name, then your PIN.", name: "" });
    return grant === null ? null : { "pumpd-grant": grant };
  }
  if (told && told.standing !== "person" && (await pose({ what: "sign-in" })) === null) return null;
  return { "pumpd-as": encodeURIComponent(session.peek()?.user ?? "") };
}

/** Return what the second persons' PINs opened, in the order of `names`; null when one was given up. */
export async function confirmed(key: string, names: string[]): Promise<string[] | null> {
  const opened: string[] = [];
  for (const name of names) {
    const grant = await pinFor(`${key} second ${name.toLowerCase()}`, {
      what: "pin", title: "A second person confirms", words: `${name} types the own PIN.`, name,
    });
    if (grant === null) return null;
    opened.push(grant);
  }
  return opened;
}

/** Return every second person that a request names, each once, and not who asks it. */
export function secondsIn(body: object, actor: string): string[] {
  const { checked_by, witness, answers } = body as { checked_by?: string; witness?: string; answers?: { second_person?: string }[] };
  const named = [checked_by, witness, ...(answers ?? []).map((answer) => answer.second_person)];
  const found = new Map<string, string>();
  for (const name of named) {
    const key = name?.trim().toLowerCase();
    if (name && key && key !== actor.trim().toLowerCase()) found.set(key, name.trim());
  }
  return [...found.values()];
}
