/** Who can be called: an engineer sends each a message that is clearly a test, and reads whether it was taken. */

import { useState } from "preact/hooks";
import { ask, asked, type Request } from "./ask";
import { timeOfDay } from "./format";
import { mayAsk } from "./session";
import { linkUp, nodes, wallNow } from "./store";
import type { NodeStatus } from "./types";

/** A pager or a mail server may take its time: the server waits this long for it, and the page a little longer. */
const WAIT_MS = 14_000;

/** Return the request of verb `test-channel`. */
export function channelTest(status: NodeStatus, contact: string): Request {
  return { path: "test-channel", body: { node: status.node, boot_id: status.boot_id, contact }, waitMs: WAIT_MS };
}

export function Contacts() {
  const known = nodes.value.flatMap(({ status }) => (status?.contacts ?? []).map((contact) => ({ status: status!, contact })));
  if (known.length === 0 || !mayAsk("test-channel")) return null;
  return (
    <details class="notes">
      <summary>{known.length === 1 ? "1 contact" : `${known.length} contacts`} that can be called</summary>
      <ul>{known.map((one) => <Contact key={`${one.status.node} ${one.contact}`} {...one} />)}</ul>
    </details>
  );
}

function Contact({ status, contact }: { status: NodeStatus; contact: string }) {
  const [taken, setTaken] = useState("");
  const key = `node ${status.node} contact ${contact}`;
  const state = asked.value.get(key);
  const send = async () => {
    setTaken("");
    const failed = await ask(key, "test-channel", [channelTest(status, contact)], () => true);
    if (failed === null) setTaken(`Test taken at ${timeOfDay(wallNow())}. Ask whether it arrived.`);
  };
  return (
    <li>
      <b>{contact}</b>{" "}
      <button type="button" class="plain" disabled={!linkUp.value || state?.state === "asked"} onClick={() => void send()}>
        {state?.state === "asked" ? "Asked…" : "Send a test"}
      </button>{" "}
      <span role="status">{state?.state === "refused" || state?.state === "not-done" ? `NOT SENT: ${state.reason}` : taken}</span>
    </li>
  );
}
