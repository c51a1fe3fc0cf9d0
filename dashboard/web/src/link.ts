/** The one WebSocket of this page: comes back by itself, and says at once when nothing comes. */

import { loadSession, toSignIn } from "./session";
import { everLinked, linkLostAt, linkUp, now, take, wallNow } from "./store";
import type { Frame } from "./types";

/** Two heartbeats missed: the numbers on the page are no longer live. */
const SILENT_MS = 2500;
/** A connection that says nothing for this long is given up and made anew. */
const GIVE_UP_MS = 6000;
const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 5000;

/** A step of the time of day against this page's own clock that a sleeping machine leaves behind. */
const SLEPT_MS = 3000;
/** The server let go of this page's session: another one may have begun in this browser. */
const SIGNED_OUT = 4401;

let socket: WebSocket | null = null;
let heardMs = 0;
let attempt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

function lost(): void {
  if (!linkUp.peek()) return;
  linkUp.value = false;
  linkLostAt.value = wallNow();
}

function heard(frame: Frame): void {
  heardMs = performance.now();
  take(frame, heardMs);
  if (frame.t === "picture") {
    linkUp.value = true;
    everLinked.value = true;
    linkLostAt.value = null;
    attempt = 0;
    void loadSession();
  } else if (!linkUp.peek()) {
    // Frames came late or in a burst: what is on the page may have gaps, so begin from a whole picture.
    again();
  }
}

function connect(): void {
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream`);
  socket = mine;
  heardMs = performance.now();
  mine.onmessage = (message: MessageEvent<string>) => {
    if (socket !== mine) return;
    const frame = JSON.parse(message.data) as Frame;
    heard(frame);
    if (frame.t === "beat") mine.send(JSON.stringify({ seen: frame.n }));
  };
  mine.onclose = (closed) => {
    if (socket !== mine) return;
    // With the new cookie the picture goes on; without one the next attempt is refused.
    if (closed.code === SIGNED_OUT) connect();
    else again();
    void leaveIfNobody();
  };
}

/** Go to the sign-in when the server says that nobody is signed in; a server that says nothing changes nothing. */
async function leaveIfNobody(): Promise<void> {
  const told = await loadSession();
  if (told?.standing === "nobody") toSignIn();
}

function again(): void {
  lost();
  const old = socket;
  socket = null;
  old?.close();
  clearTimeout(retry);
  const wait = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
  attempt += 1;
  retry = setTimeout(connect, wait);
}

/** Time of day less the page's clock at the last look: the page's clock stands still while a machine sleeps. */
let wallLessOwnMs = Date.now() - performance.now();

function tick(): void {
  now.value = performance.now();
  const wallLessOwn = Date.now() - now.value;
  const slept = Math.abs(wallLessOwn - wallLessOwnMs) > SLEPT_MS;
  wallLessOwnMs = wallLessOwn;
  if (!socket) return;
  if (slept) {
    again();
    return;
  }
  const silent = now.value - heardMs;
  if (silent > SILENT_MS) lost();
  if (silent > GIVE_UP_MS) again();
}

/** Connect, and keep connected for as long as the page lives. */
export function start(): void {
  connect();
  setInterval(tick, 250);
  document.addEventListener("visibilitychange", () => {
    // A page that slept shows what it had: look at the clock before anybody reads it.
    if (document.visibilityState === "visible") tick();
  });
}
