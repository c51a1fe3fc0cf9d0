/** The infusion on a pump's own page: what to set, what was given, when to look, and what may be asked. */

import { Fragment } from "preact";
import { useRef, useState } from "preact/hooks";
import { Begin } from "./begin";
import { GAP, number, timeOfDay, unit } from "./format";
import { Answer, End, Move, Observe, Titrate } from "./infusion-forms";
import type { Infusion, Observation } from "./infusion-types";
import { agreesWords, amount, isDue, leftWords, lookWords, orderWords } from "./infusion-words";
import { mayAsk, session } from "./session";
import { linkUp, second, wallNow } from "./store";
import { TakeOver } from "./take-over";
import type { Card } from "./types";
import { capital, laboratoryWords } from "./words";

type Opened = "begin" | "change" | "answer" | "observe" | "end" | "move" | "take-over" | null;
const BUTTONS: readonly [Exclude<Opened, null>, string][] = [
  ["take-over", "Take over the tighter limits"], ["change", "Change the dose"], ["answer", "Answer the checklist"], ["observe", "Write what you saw"], ["move", "Move it"], ["end", "End it"],
];

export function InfusionPanel({ card }: { card: Card }) {
  const [opened, open] = useState<Opened>(null);
  const infusion = card.infusion ?? null;
  const live = linkUp.value && card.not_live === "";
  const goesOn = infusion !== null && infusion.state !== "ended";
  const barred = laboratoryWords(card);
  const panel = useRef<HTMLElement>(null);
  const close = () => {
    open(null);
    // Back to where the answer stands, for eyes and for keys.
    panel.current?.focus();
  };
  const props = { card, live, onDone: close };
  const offered = (name: Opened) => {
    if (name === "answer") return goesOn && infusion.checklist_open.length > 0;
    if (name === "take-over") return goesOn && infusion.newer_library !== null;
    return goesOn || name === "observe";
  };
  return (
    <section class="panel infusion" aria-label="Infusion" tabIndex={-1} ref={panel}>
      <h3>Infusion</h3>
      {!infusion && card.programme && (
        <p class="quiet-text">What is watched here stands in the configuration. Begin an infusion to say for whom it is.</p>
      )}
      {infusion && <Told infusion={infusion} card={card} />}
      {!opened && !mayAsk("infusion/begin") && <p class="quiet-text">You are signed in as {session.value?.role}: a nurse begins and changes infusions.</p>}
      {!opened && mayAsk("infusion/begin") && (
        <div class="form-buttons">
          {infusion && BUTTONS.filter(([name]) => offered(name)).map(([name, words]) => (
            <button type="button" key={name} class="plain" onClick={() => open(name)}>{words}</button>
          ))}
          {!goesOn && !barred && <button type="button" class="primary" onClick={() => open("begin")}>Begin an infusion</button>}
        </div>
      )}
      {barred && !goesOn && <p class="barred">{barred}</p>}
      {opened === "begin" && !goesOn && !barred && <Begin {...props} />}
      {infusion && goesOn && opened === "change" && <Titrate {...props} infusion={infusion} />}
      {infusion && goesOn && opened === "answer" && <Answer {...props} infusion={infusion} />}
      {infusion && opened === "observe" && <Observe {...props} infusion={infusion} />}
      {infusion && goesOn && opened === "take-over" && infusion.newer_library && <TakeOver {...props} infusion={infusion} newer={infusion.newer_library} />}
      {infusion && goesOn && opened === "end" && <End {...props} infusion={infusion} />}
      {infusion && goesOn && opened === "move" && <Move {...props} infusion={infusion} />}
      {infusion && infusion.observations.length > 0 && <Observations of={infusion.observations} />}
    </section>
  );
}

function Told({ infusion, card }: { infusion: Infusion; card: Card }) {
  void second.value;
  const ordered = infusion.versions[infusion.versions.length - 1];
  const ended = infusion.state === "ended";
  return (
    <>
      <p class="infusion-who">
        <b>{card.label}</b> {capital(infusion.drug)} {infusion.concentration}{infusion.indication && `, ${infusion.indication}`}
        <span class="quiet-text"> begun by {infusion.begun_by} at {timeOfDay(infusion.begun_at)}{infusion.attached && ", the pump ran already"}</span>
      </p>
      {ended
        ? <p><b>Ended by {infusion.ended_by}{infusion.ended_at && ` at ${timeOfDay(infusion.ended_at)}`}.</b></p>
        : <ToSet infusion={infusion} card={card} />}
      <dl class="sums">
        {ordered && !ended && (
          <><dt>Ordered</dt><dd>{orderWords(ordered)}</dd></>
        )}
        <dt>Given</dt><dd>{amount(infusion.given, infusion.amount_unit, infusion.given_up_to)} ({number(infusion.given_ml, 2)}{GAP}mL)</dd>
        {infusion.remaining_ml !== null && !ended && (
          <><dt>Left</dt><dd>{number(infusion.remaining_ml, 1)}{GAP}mL ({leftWords(infusion)})</dd></>
        )}
        <dt>Look at the patient</dt><dd class={isDue(infusion, wallNow()) ? "due" : ""}>{lookWords(infusion, wallNow())}</dd>
        {infusion.accepted.map((one) => (
          <Fragment key={one.condition + one.words}>
            <dt>Accepted</dt><dd>{capital(one.words)}. By {one.by} at {timeOfDay(one.at)}: {one.reason}</dd>
          </Fragment>
        ))}
        {ordered?.reason && <><dt>Order changed</dt><dd>by {ordered.by} at {timeOfDay(ordered.at)}: {ordered.reason}</dd></>}
      </dl>
      {infusion.checklist_open.length > 0 && !ended && (
        <p class="due">
          {infusion.checklist_open.length === 1 ? "1 question of the checklist is" : `${infusion.checklist_open.length} questions of the checklist are`} not answered yet.
        </p>
      )}
      {infusion.newer_library && !ended && (
        <div class="due">
          <p>The drug library is tighter by now (version {infusion.newer_library.version}). This infusion keeps the limits it began under.</p>
          <ul class="advice">{infusion.newer_library.tighter.map((words) => <li key={words}>{capital(words)}</li>)}</ul>
        </div>
      )}
      {infusion.advisories.length > 0 && !ended && (
        <details><summary>Advice of the drug library</summary><ul class="advice">{infusion.advisories.map((words) => <li key={words}>{words}</li>)}</ul></details>
      )}
    </>
  );
}

/** What to set on the pump, large, and whether the pump is set to it. */
function ToSet({ infusion, card }: { infusion: Infusion; card: Card }) {
  return (
    <div class="to-set">
      <p class="to-set-words">Set on the pump</p>
      <p class="to-set-flow"><b>{number(infusion.set_ml_h)}</b>{GAP}mL/h</p>
      <p class="to-set-words">for {number(infusion.dose)}{GAP}{unit(infusion.dose_unit)}</p>
      <p class={`agrees ${infusion.agrees === false ? "not" : ""}`} role="status">{agreesWords(infusion, card)}</p>
    </div>
  );
}

function Observations({ of }: { of: Observation[] }) {
  return (
    <div class="observations">
      <table>
        <caption>What was seen</caption>
        <thead>
          <tr><th scope="col">At</th><th scope="col">Pain</th><th scope="col">BP</th><th scope="col">Pulse</th><th scope="col">SpO2</th><th scope="col">Seen</th><th scope="col">By</th></tr>
        </thead>
        <tbody>
          {of.map((seen) => (
            <tr key={seen.at}>
              <td>{timeOfDay(seen.at)}</td>
              <td>{seen.pain ?? ""}</td>
              <td>{seen.systolic_mmhg === null && seen.diastolic_mmhg === null ? "" : `${seen.systolic_mmhg ?? "?"}/${seen.diastolic_mmhg ?? "?"}`}</td>
              <td>{seen.pulse_per_min ?? ""}</td>
              <td>{seen.spo2_percent === null ? "" : `${seen.spo2_percent} %`}</td>
              <td>{[seen.sedation && `sedation ${seen.sedation}`, seen.side_effects].filter(Boolean).join("; ")}</td>
              <td>{seen.by}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
