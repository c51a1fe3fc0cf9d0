/** Who sits before this page, what they may ask and until when: as the server says it, looked at anew when it moves. */

import { computed, signal } from "@preact/signals";
import { second } from "./store";

export type Standing = "nobody" | "wall" | "shared" | "ended" | "person";

export interface DemoAccount {
  name: string;
  role: string;
  password: string;
  pin: string;
}

export interface Session {
  standing: Standing;
  user: string;
  role: string;
  wards: string[];
  /** Paths below `/api/` that this person may ask for. */
  may: string[];
  left_s: number | null;
  screen: string;
  /** What makes the first account; only while there is none. */
  first_command?: string;
  demo?: DemoAccount[];
}

/** Null before the server said. */
export const session = signal<Session | null>(null);
/** On this page's own clock, when the rights of the session end. */
const endsMs = signal<number | null>(null);

/** A person is told this long before the end (NIST SP 800-63B 4.3.3). */
const TELL_BEFORE_S = 120;
/** The server is told at most so often that somebody is still there. */
const TOLD_EVERY_MS = 60_000;
const WAIT_MS = 10_000;

function take(told: Session): void {
  session.value = told;
  endsMs.value = told.standing === "person" && told.left_s !== null ? performance.now() + told.left_s * 1000 : null;
}

/** Ask the server who it is; null, and nothing changes, when it does not answer. */
export async function loadSession(): Promise<Session | null> {
  try {
    const response = await fetch("/api/session", { signal: AbortSignal.timeout(WAIT_MS) });
    if (!response.ok) return null;
    take((await response.json()) as Session);
    return session.peek();
  } catch {
    return null;
  }
}

/** Seconds until the rights end, while somebody is signed in; null otherwise. */
export const leftS = computed<number | null>(() => {
  void second.value;
  return endsMs.value === null ? null : Math.max(0, Math.ceil((endsMs.value - performance.now()) / 1000));
});

export const isEnding = computed(() => leftS.value !== null && leftS.value <= TELL_BEFORE_S);

/** Return whether the button for `path` is worth showing: only somebody whose role may not is spared it. */
export function mayAsk(path: string): boolean {
  const told = session.value;
  return told?.standing !== "person" || told.may.includes(path);
}

/** What a refusal says: words, and how long to wait. */
export interface NotLetIn {
  reason: string;
  wait_s: number;
}

async function post(path: string, body: object): Promise<{ status: number; body: Record<string, unknown> } | null> {
  try {
    const response = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {} };
  } catch {
    return null;
  }
}

/** Return what came of a secret that was typed: the answer, or why not. */
async function prove(path: string, body: object): Promise<Record<string, unknown> | NotLetIn> {
  const answer = await post(path, body);
  if (!answer) return { reason: "The dashboard does not answer.", wait_s: 0 };
  if (answer.status === 200) return answer.body;
  const { reason, wait_s: wait } = answer.body;
  const words = typeof reason === "string" ? reason : "That can not be a name or a secret.";
  return { reason: words, wait_s: typeof wait === "number" ? wait : 0 };
}

export function isRefused(answer: object): answer is NotLetIn {
  return "reason" in answer;
}

/** Sign in; null when it worked. */
export async function signIn(name: string, password: string): Promise<NotLetIn | null> {
  const answer = await prove("sign-in", { name, password });
  if (isRefused(answer)) return answer;
  await loadSession();
  return null;
}

/** Let this screen in by its code; null when it worked. */
export async function letIn(code: string): Promise<NotLetIn | null> {
  const answer = await prove("screen", { code });
  return isRefused(answer) ? answer : null;
}

/** Return what a PIN opened for the next minute, or why not. */
export async function takePin(name: string, pin: string): Promise<{ grant: string; user: string } | NotLetIn> {
  const answer = await prove("pin", { name, pin });
  return isRefused(answer) ? answer : { grant: String(answer["grant"]), user: String(answer["user"]) };
}

/** End the session, here and on the server; the page goes to the sign-in. */
export async function signOut(): Promise<void> {
  await post("sign-out", {});
  toSignIn();
}

let toldMs = 0;

/** Tell the server that somebody is still there. */
export async function stay(): Promise<void> {
  toldMs = performance.now();
  const answer = await post("stay", {});
  if (answer?.status === 200) take(answer.body as unknown as Session);
  else if (answer?.status === 401) await loadSession();
}

function wasActive(): void {
  if (session.peek()?.standing === "person" && performance.now() - toldMs > TOLD_EVERY_MS) void stay();
}

/** The page's address below the sign-in, and back. */
export function toSignIn(): void {
  location.replace(`/sign-in${location.search}${location.hash}`);
}

export function toWard(): void {
  location.replace(`/${location.search}${location.hash}`);
}

/** Look again when the rights end, and tell the server of what is touched. */
export function startSession(): void {
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, wasActive, { passive: true });
  leftS.subscribe((left) => {
    if (left === 0) {
      endsMs.value = null;
      // A little later: the server's clock must be past the end too.
      setTimeout(() => void loadSession(), 1500);
    }
  });
}
