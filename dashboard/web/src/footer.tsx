/** What pumpd is not, and what is running. */

import { timeOfDay } from "./format";
import { nodes, serverTime, site, version } from "./store";
import type { NodeStatus } from "./types";
import { FOOTER } from "./words";

function libraryWords(status: NodeStatus): string {
  if (!status.library_version) return "no drug library";
  const signed = status.library_signed_for;
  const state = signed.length === 0 ? "NOT signed" : `signed for ${signed.map((p) => (p === "demo" ? "training" : p)).join(" and ")}`;
  return `library ${status.library_version} (${state}, ${status.library_sha256.slice(0, 8)})`;
}

export function Footer() {
  return (
    <footer class="foot">
      <p>{FOOTER}</p>
      <p>
        Site {site.value} · pumpd {version.value}
        {nodes.value.map(({ node, status }) => (
          <span key={node}> · node {node} {status ? `${status.state}, ${libraryWords(status)}` : ""}</span>
        ))}
        {" · "}server time {serverTime.value ? timeOfDay(serverTime.value, true) : "unknown"}
        <span class="keys"> · keys: A (I have it) or S (silence), then Enter</span>
      </p>
    </footer>
  );
}
