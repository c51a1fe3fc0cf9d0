/** What a person asks goes to the server, which asks the daemon; the page changes only when the daemon's state does. */

import { effect, signal } from "@preact/signals";
import { confirmed, forgetGrants, identify, secondsIn } from "./identify";
import { loadSession, session } from "./session";

/** The server waits 3 s for the daemon; a server that says nothing itself is given up a little later. */
const WAIT_MS = 3500;
/** How long a refusal stays on the card. */
const TOLD_MS = 15_000;

/** `field` of a refusal is the key of the request that it is about; empty: the whole. `may`: this person may not. `given-up`: nobody said who it is. */
export type Failure =
  | { state: "refused"; reason: string; field: string; may?: false }
  | { state: "not-done"; reason: string }
  | { state: "given-up" };
export type Asked = { verb: string } & ({ state: "asked" } | Exclude<Failure, { state: "given-up" }>);

/** What was asked and not yet seen in the daemon's state, by the place that asked. */
export const asked = signal<ReadonlyMap<string, Asked>>(new Map());

function tell(key: string, what: Asked | null): void {
  const next = new Map(asked.peek());
  if (what) next.set(key, what);
  else next.delete(key);
  asked.value = next;
}

/** One request: what the route `/api/{path}` takes; who asks is known to the server. */
export interface Request {
  path: string;
  body: object;
  /** How long the page waits for the server, where it is longer than for a pump. */
  waitMs?: number;
}

/** The server wants to know who it is: nothing was done. */
const UNKNOWN = "unknown";

/** Ask once; null when the daemon says that it was done. */
async function send(request: Request, who: Record<string, string>, seconds: string[]): Promise<Failure | typeof UNKNOWN | null> {
  try {
    const response = await fetch(`/api/${request.path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...who },
      body: JSON.stringify(seconds.length > 0 ? { ...request.body, confirmed: seconds } : request.body),
      signal: AbortSignal.timeout(request.waitMs ?? WAIT_MS),
    });
    if (response.status === 401) return UNKNOWN;
    if (response.status === 403) return { state: "refused", reason: await whyNot(response), field: "", may: false };
    if (response.status === 422) return await wrongIn(response);
    if (!response.ok) return { state: "not-done", reason: `the dashboard answered ${response.status}` };
    const { outcome, reason, field } = (await response.json()) as { outcome: string; reason: string; field: string };
    if (outcome === "accepted") return null;
    return outcome === "refused" ? { state: "refused", reason, field } : { state: "not-done", reason };
  } catch {
    return { state: "not-done", reason: "no answer" };
  }
}

/** Return why this person may not. */
async function whyNot(response: Response): Promise<string> {
  const { detail } = (await response.json()) as { detail: string };
  return detail;
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
  for (let tries = 0; ; tries += 1) {
    const who = await identify(key);
    if (!who) return { state: "given-up" };
    const named = secondsIn(Object.assign({}, ...requests.map((request) => request.body)) as object, session.peek()?.user ?? "");
    const seconds = named.length > 0 ? await confirmed(key, named) : [];
    if (!seconds) return { state: "given-up" };
    tell(key, { verb, state: "asked" });
    const began = performance.now();
    const answers = await Promise.all(requests.map((request) => send(request, who, seconds)));
    if (answers.includes(UNKNOWN)) {
      // The session ended, or a PIN's minute: nothing was done, so it is asked who it is and asked for again.
      forgetGrants(key);
      tell(key, null);
      await loadSession();
      if (tries === 0) continue;
      return refused(key, verb, { state: "refused", reason: "the dashboard does not know who asks", field: "" });
    }
    const failures = answers.filter((answer): answer is Failure => answer !== null && answer !== UNKNOWN);
    const worst = failures.find((failure) => failure.state === "not-done") ?? failures[0] ?? null;
    if (worst?.state === "refused" && worst.may === false) forgetGrants(key); // somebody else may step up
    if (worst) return refused(key, verb, worst);
    forgetGrants(key);
    await comesRound(seen, WAIT_MS - (performance.now() - began));
    tell(key, null);
    return null;
  }
}

/** Leave a failure on the card for a while. */
function refused(key: string, verb: string, failure: Failure): Failure {
  if (failure.state === "given-up") return failure;
  const told: Asked = { verb, ...failure };
  tell(key, told);
  setTimeout(() => {
    if (asked.peek().get(key) === told) tell(key, null);
  }, TOLD_MS);
  return failure;
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
