/** What a person asks goes to the server, which asks the daemon; the page changes only when the daemon's state does. */

import { effect, signal } from "@preact/signals";

const NAME_KEY = "pumpd-name";
/** The server waits 3 s for the daemon; a server that says nothing itself is given up a little later. */
const WAIT_MS = 3500;
/** How long a refusal stays on the card. */
const TOLD_MS = 15_000;

/** Who asks at this page; forgotten when the page is closed. */
export const userName = signal(sessionStorage.getItem(NAME_KEY) ?? "");

export function rememberName(name: string): void {
  userName.value = name.trim();
  sessionStorage.setItem(NAME_KEY, userName.value);
}

/** `field` of a refusal is the key of the request that it is about; empty: the whole. */
export type Failure = { state: "refused"; reason: string; field: string } | { state: "not-done"; reason: string };
export type Asked = { verb: string } & ({ state: "asked" } | Failure);

/** What was asked and not yet seen in the daemon's state, by the place that asked. */
export const asked = signal<ReadonlyMap<string, Asked>>(new Map());

function tell(key: string, what: Asked | null): void {
  const next = new Map(asked.peek());
  if (what) next.set(key, what);
  else next.delete(key);
  asked.value = next;
}

/** One request: what the route `/api/{path}` takes besides the name of who asks. */
export interface Request {
  path: string;
  body: object;
}

/** Ask once; null when the daemon says that it was done. */
export async function send(request: Request): Promise<Failure | null> {
  try {
    const response = await fetch(`/api/${request.path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...request.body, user: userName.peek() }),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (response.status === 422) return await wrongIn(response);
    if (!response.ok) return { state: "not-done", reason: `the dashboard answered ${response.status}` };
    const { outcome, reason, field } = (await response.json()) as { outcome: string; reason: string; field: string };
    if (outcome === "accepted") return null;
    return outcome === "refused" ? { state: "refused", reason, field } : { state: "not-done", reason };
  } catch {
    return { state: "not-done", reason: "no answer" };
  }
}

/** Return which part of the request the server does not take, and why. */
async function wrongIn(response: Response): Promise<Failure> {
  const { detail } = (await response.json()) as { detail: { loc: (string | number)[]; msg: string }[] };
  const reason = detail.map(({ loc, msg }) => `${loc.filter((part) => part !== "body").join(" ")}: ${msg}`).join("; ");
  const keys = (detail[0]?.loc ?? []).filter((part): part is string => typeof part === "string" && part !== "body");
  return { state: "refused", reason, field: keys[keys.length - 1] ?? "" };
}

/** Ask for all of `requests`; "asked" stands at `key` until `seen` finds it in the daemon's own state. */
export async function ask(key: string, verb: string, requests: Request[], seen: () => boolean): Promise<Failure | null> {
  tell(key, { verb, state: "asked" });
  const began = performance.now();
  const answers = await Promise.all(requests.map(send));
  const worst = answers.find((answer) => answer?.state === "not-done") ?? answers.find((answer) => answer !== null) ?? null;
  if (!worst) {
    await comesRound(seen, WAIT_MS - (performance.now() - began));
    tell(key, null);
    return null;
  }
  const told: Asked = { verb, ...worst };
  tell(key, told);
  setTimeout(() => {
    if (asked.peek().get(key) === told) tell(key, null);
  }, TOLD_MS);
  return worst;
}

/** Wait until `seen`, which reads signals, is so; at most `withinMs`. */
function comesRound(seen: () => boolean, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    let stop = () => {};
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, withinMs));
    stop = effect(() => {
      if (seen()) queueMicrotask(done);
    });
  });
}
