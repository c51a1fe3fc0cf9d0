/** The buttons of an alarm, and the few words they ask for: for "Remind me" a time and a reason. */

import { useRef, useState } from "preact/hooks";
import { accept, acknowledge, canAccept, canPutOff, canSilence, type Place, putOff, remindNow, silence, soundAgain } from "./answers";
import { asked, type Asked } from "./ask";
import { timeOfDay } from "./format";
import { isOpen, isShelved, reminders } from "./quiet";
import { mayAsk } from "./session";
import { wallNow } from "./store";
import type { Alarm } from "./types";

interface Props {
  place: Place;
  alarms: Alarm[];
  /** False when the daemon can not be reached: a button would not do anything. */
  live: boolean;
}

type Say = (place: Place, alarms: Alarm[]) => Promise<unknown>;
type Open = { form: "remind"; times: number[] } | { form: "accept" } | null;

export function Answer({ place, alarms, live }: Props) {
  const [open, setOpen] = useState<Open>(null);
  const root = useRef<HTMLDivElement>(null);
  const state = asked.value.get(place.key);
  const close = () => {
    setOpen(null);
    root.current?.focus();
  };
  const button = (verb: string, words: string, say: Say, look = "lesser") => mayAsk(verb) && (
    <button type="button" class={look} disabled={!live || state?.state === "asked"} onClick={() => void say(place, alarms)}>
      {state?.state === "asked" && state.verb === verb ? "Asked…" : words}
    </button>
  );
  const times = reminders(wallNow());
  return (
    <div class="answer" tabIndex={-1} ref={root}>
      <Told state={state} />
      {open?.form === "remind" && (
        <RemindForm place={place} alarms={alarms} times={open.times} live={live} onDone={close} />
      )}
      {open?.form === "accept" && <AcceptForm place={place} alarms={alarms} live={live} onDone={close} />}
      {!open && alarms.some(isOpen) && (
        <>
          {button("acknowledge", "I have it", acknowledge, "have-it")}
          {canSilence(alarms).length > 0 && button("pause-audio", "Silence 2 min", silence, "lesser silence")}
          {canSilence(alarms).length === 0 && alarms.some((alarm) => alarm.inactivation?.kind === "audio-paused") &&
            button("resume-audio", "Sound again", soundAgain)}
          {canPutOff(alarms).length > 0 && mayAsk("shelve") && (
            <button type="button" class="lesser" disabled={!live || state?.state === "asked"}
              onClick={() => setOpen({ form: "remind", times })}>
              Remind me at {timeOfDay(times[0]!)}
            </button>
          )}
          {alarms.some(isShelved) && button("unshelve", "Remind me now", remindNow)}
        </>
      )}
      {!open && canAccept(place, alarms).length > 0 && mayAsk("accept") && (
        <button type="button" class="lesser" disabled={!live || state?.state === "asked"} onClick={() => setOpen({ form: "accept" })}>
          It may be so…
        </button>
      )}
    </div>
  );
}

/** What became of the last thing asked, when it was not done. */
export function Told({ state }: { state: Asked | undefined }) {
  if (state?.state === "not-done") return <p class="answer-told not-done" role="alert">NOT DONE. Use the pump</p>;
  if (state?.state === "refused") return <p class="answer-told" role="alert">Refused: {state.reason}</p>;
  return null;
}

const REASONS = ["Being changed", "Doctor called", "Patient is away"];

interface RemindProps extends Props {
  /** Times of day to choose from, in ms. */
  times: number[];
  onDone: () => void;
}

function RemindForm({ place, alarms, times, live, onDone }: RemindProps) {
  const [at, setAt] = useState(times[0]!);
  const [reason, setReason] = useState("");
  const waiting = asked.value.get(place.key)?.state === "asked";
  const send = async () => {
    if (!reason.trim()) return;
    const forS = Math.ceil((at - wallNow()) / 1000);
    if ((await putOff(place, alarms, forS, reason.trim())) === null) onDone();
  };
  return (
    <form
      class="remind"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset>
        <legend>Silent until</legend>
        {times.map((time) => (
          <label key={time} class={`choice ${time === at ? "chosen" : ""}`}>
            <input type="radio" name="at" checked={time === at} onChange={() => setAt(time)} />
            {timeOfDay(time)}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Because</legend>
        {REASONS.map((words) => (
          <button type="button" key={words} class={`lesser ${reason === words ? "chosen" : ""}`} onClick={() => setReason(words)}>
            {words}
          </button>
        ))}
        <input name="reason" maxLength={200} placeholder="Why" aria-label="Why it is put off" autoComplete="off" required
          value={reason} onInput={(event) => setReason(event.currentTarget.value)} ref={useFirstFocus()} />
      </fieldset>
      <button type="submit" class="have-it" disabled={!live || waiting}>
        {waiting ? "Asked…" : `Remind me at ${timeOfDay(at)}`}
      </button>
      <button type="button" class="lesser" onClick={onDone}>Back</button>
    </form>
  );
}

interface AcceptProps extends Props {
  onDone: () => void;
}

/** Why a soft limit is passed on purpose: one alarm at a time, and what it means stands beside the button. */
function AcceptForm({ place, alarms, live, onDone }: AcceptProps) {
  const soft = canAccept(place, alarms);
  const [condition, setCondition] = useState(soft[0]?.condition ?? "");
  const [reason, setReason] = useState("");
  const alarm = soft.find((one) => one.condition === condition) ?? soft[0];
  const waiting = asked.value.get(place.key)?.state === "asked";
  const send = async () => {
    if (!alarm || !reason.trim()) return;
    if ((await accept(place, alarm, reason.trim())) === null) onDone();
  };
  return (
    <form
      class="remind"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset>
        <legend>{soft.length > 1 ? "What may be so" : alarm?.title ?? "It is over"}</legend>
        {soft.length > 1 && soft.map((one) => (
          <label key={one.condition} class={`choice ${one === alarm ? "chosen" : ""}`}>
            <input type="radio" name="condition" checked={one === alarm} onChange={() => setCondition(one.condition)} />
            {one.title}
          </label>
        ))}
        <p>At this value it is told no more. Beyond it, it is.</p>
      </fieldset>
      <fieldset>
        <legend>Because</legend>
        <input name="reason" maxLength={200} placeholder="Why" aria-label="Why it may be so" autoComplete="off" required
          value={reason} onInput={(event) => setReason(event.currentTarget.value)} ref={useFirstFocus()} />
      </fieldset>
      <button type="submit" class="have-it" disabled={!live || waiting || !alarm}>{waiting ? "Asked…" : "Accept it"}</button>
      <button type="button" class="lesser" onClick={onDone}>Back</button>
    </form>
  );
}

/** Return a ref that puts the focus there once, when it comes on the page. */
function useFirstFocus() {
  const done = useRef(false);
  return (input: HTMLInputElement | null) => {
    if (input && !done.current) {
      done.current = true;
      input.focus();
    }
  };
}
