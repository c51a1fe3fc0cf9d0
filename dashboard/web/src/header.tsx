/** The top of every page: training strip, lost link, sound, name, engineer's notes, alarms of the nodes. */

import { AlarmBand } from "./alarm-band";
import { span, timeOfDay } from "./format";
import { nurseAlarms } from "./order";
import { calls } from "./quiet";
import { enableSound, soundState, testSound } from "./sound";
import { Who } from "./who";
import { brokerUp, cards, engineerNotes, everLinked, linkLostAt, linkUp, nodes, now, serverTime, site, wallNow, wardAlarms } from "./store";

export function TrainingStrip() {
  const all = [...cards.value.values()].map((card) => card.value.provenance);
  const demo = all.filter((provenance) => provenance === "demo").length;
  if (demo === 0) return null;
  return (
    <p class="training">
      {demo === all.length ? "TRAINING, NO PATIENT" : "Beds marked TRAINING have no patient. The others are real."}
    </p>
  );
}

/** The banner over everything when numbers on the page can not be live. */
export function LostBanner() {
  if (!linkUp.value) {
    if (!everLinked.value) return <p class="lost" role="alert">Connecting. Nothing on this page is live yet.</p>;
    const at = linkLostAt.value;
    void now.value;
    return (
      <p class="lost" role="alert">
        <b>NO LIVE DATA{at ? ` since ${timeOfDay(new Date(at).toISOString(), true)}` : ""}.</b> Look at the pumps.
        <span>This page lost its connection{at ? ` ${span(wallNow() - at)} ago` : ""} and is trying again.</span>
      </p>
    );
  }
  if (!brokerUp.value) {
    return (
      <p class="lost" role="alert">
        <b>NO LIVE DATA.</b> Look at the pumps.
        <span>The dashboard can not reach the message broker. Only history is shown.</span>
      </p>
    );
  }
  const heard = nodes.value.filter((node) => node.heard);
  const dark = nodes.value.filter((node) => node.status && node.status.state !== "online");
  if (nodes.value.length === 0 || (heard.length === 0 && dark.length > 0)) {
    return (
      <p class="lost" role="alert">
        <b>pumpd IS NOT WATCHING.</b> Look at the pumps.
        <span>No daemon is running. Only history is shown.</span>
      </p>
    );
  }
  if (dark.length > 0) {
    return (
      <p class="lost" role="alert">
        <b>{dark.map((node) => node.node).join(", ")} IS NOT WATCHING.</b> Look at its pumps.
      </p>
    );
  }
  return null;
}

export function Header({ wall }: { wall: boolean }) {
  const open = wardAlarms.value.filter(({ alarm }) => calls(alarm)).length;
  return (
    <header class="top">
      <a class="top-name" href="#/">{site.value || "pumpd"}</a>
      <p class={`top-count ${open ? "some" : ""}`}>
        {open === 0 ? (linkUp.value ? "No open alarms" : "") : `${open} open ${open === 1 ? "alarm" : "alarms"}`}
      </p>
      <span class="top-space" />
      {!wall && <Who />}
      <Sound />
      <time class="top-time">{serverTime.value ? timeOfDay(serverTime.value) : "--:--"}</time>
    </header>
  );
}

function Sound() {
  if (soundState.value === "on") {
    return <button class="plain" onClick={testSound}>Sound on <span class="quiet-text">Test</span></button>;
  }
  const text = soundState.value === "off" ? "Sound is OFF" : "Sound is BLOCKED";
  return (
    <button class="warn" onClick={() => void enableSound().then(testSound)}>
      {text} <span>Enable alarm sound</span>
    </button>
  );
}

/** Alarms of the daemons themselves that a nurse must know. */
export function NodeAlarms() {
  return (
    <>
      {nodes.value.map((node) => {
        const alarms = nurseAlarms(node.status?.alarms ?? []);
        if (alarms.length === 0 || !node.status) return null;
        const place = { key: `node ${node.node}`, node: node.node, boot_id: node.status.boot_id, pump: null, channel: null };
        return (
          <div class="node-alarm" key={node.node}>
            <AlarmBand place={place} alarms={alarms} ageMs={null} answerable live={linkUp.value && node.heard} />
          </div>
        );
      })}
    </>
  );
}

export function EngineerNotes() {
  const notes = engineerNotes.value;
  if (notes.length === 0) return null;
  return (
    <details class="notes">
      <summary>{notes.length === 1 ? "1 note" : `${notes.length} notes`} for the engineer</summary>
      <ul>
        {notes.map(({ where, alarm }) => (
          <li key={`${where} ${alarm.condition}`}>
            <b>{where}</b> {alarm.title}. {alarm.action} <span class="quiet-text">since {timeOfDay(alarm.since)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
