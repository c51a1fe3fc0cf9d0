/** Name and PIN at a shared screen, for gloves: large keys, no keyboard needed. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { question } from "./identify";
import { isRefused, takePin } from "./session";
import { SignInForm, useRefusal } from "./sign-in";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
const LONGEST_PIN = 8;
const NAMES_SHOWN = 12;
const RECENT_KEY = "pumpd-recent";
const RECENT_KEPT = 6;

/** Names that were used at this screen, latest first. */
function recent(): string[] {
  return (localStorage.getItem(RECENT_KEY) ?? "").split("\n").filter(Boolean);
}

function remember(name: string): void {
  localStorage.setItem(RECENT_KEY, [name, ...recent().filter((other) => other !== name)].slice(0, RECENT_KEPT).join("\n"));
}

/** Whatever the page wants to know of the person at it, over everything else; Escape gives it up. */
export function Sheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useLayoutEffect(() => {
    if (asked && !dialog.current?.open) dialog.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  return (
    <dialog class="sheet" ref={dialog} aria-label={asked.what === "pin" ? asked.title : "Sign in"} onCancel={(event) => {
      event.preventDefault();
      asked.answer(null);
    }}>
      {asked.what === "pin"
        ? <PinPad key={asked.title + asked.name} {...asked} />
        : (
          <div class="sheet-sign-in">
            <h2>Your sign-in has ended</h2>
            <p>The picture stays. Sign in to act; what you typed is still there.</p>
            <SignInForm onDone={() => asked.answer("")} onBack={() => asked.answer(null)} />
          </div>
        )}
    </dialog>
  );
}

interface PadProps {
  title: string;
  words: string;
  /** Whose PIN it must be; empty: anybody's. */
  name: string;
  answer: (grant: string | null) => void;
}

function PinPad({ title, words, name: fixed, answer }: PadProps) {
  const [name, setName] = useState(fixed);
  const [pin, setPin] = useState("");
  const [busy, setBusy] = useState(false);
  const refusal = useRefusal();
  const press = (key: string) => setPin((typed) => (typed.length < LONGEST_PIN ? typed + key : typed));
  const submit = async () => {
    if (pin.length < 4 || busy || refusal.waits) return;
    setBusy(true);
    const taken = await takePin(name, pin);
    setBusy(false);
    setPin("");
    if (isRefused(taken)) {
      refusal.refuse(taken);
      return;
    }
    remember(taken.user);
    answer(taken.grant);
  };
  const typed = (event: KeyboardEvent) => {
    if (!name) return;
    if (/^[0-9]$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") setPin(pin.slice(0, -1));
    else if (event.key === "Enter") void submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="pad" onKeyDown={typed}>
      <h2>{title}</h2>
      {name
        ? (
          <>
            <p class="pad-who"><b>{name}</b>
              {!fixed && <button type="button" class="link" onClick={() => (setName(""), setPin(""), refusal.refuse(null))}>Not you?</button>}
            </p>
            {fixed && <p class="quiet-text">{words}</p>}
            <p class="pad-dots" aria-label={`${pin.length} digits`}>{"●".repeat(pin.length) || <span class="quiet-text">PIN</span>}</p>
            {refusal.words && <p class="form-told" role="alert"><b>{refusal.words}</b></p>}
            <div class="pad-keys">
              {KEYS.map((key, index) => <Key key={key} first={index === 0} onPress={() => press(key)}>{key}</Key>)}
              <Key onPress={() => setPin(pin.slice(0, -1))} label="Delete a digit">⌫</Key>
              <Key onPress={() => press("0")}>0</Key>
              <button type="button" class="primary" disabled={pin.length < 4 || busy || refusal.waits} onClick={() => void submit()}>OK</button>
            </div>
          </>
        )
        : <Names words={words} onName={setName} />}
      <button type="button" class="plain pad-back" onClick={() => answer(null)}>Back</button>
    </div>
  );
}

function Key({ children, onPress, label, first = false }: { children: string; onPress: () => void; label?: string; first?: boolean }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (first) button.current?.focus(); // so that digits typed on a keyboard arrive here
  }, []);
  return <button type="button" class="pad-key" ref={button} onClick={onPress} {...(label ? { "aria-label": label } : {})}>{children}</button>;
}

/** Who has a PIN: those who used this screen last stand first; typing narrows it down. */
function Names({ words, onName }: { words: string; onName: (name: string) => void }) {
  const [all, setAll] = useState<string[]>([]);
  const [part, setPart] = useState("");
  useEffect(() => {
    void (async () => {
      const response = await fetch("/api/people").catch(() => null);
      if (response?.ok) setAll(((await response.json()) as { name: string }[]).map((person) => person.name));
    })();
  }, []);
  const last = recent().filter((name) => all.includes(name));
  const ordered = [...last, ...all.filter((name) => !last.includes(name))];
  const found = ordered.filter((name) => name.toLowerCase().includes(part.trim().toLowerCase())).slice(0, NAMES_SHOWN);
  return (
    <form class="pad-names" onSubmit={(event) => {
      event.preventDefault();
      if (part.trim()) onName(found.length === 1 ? found[0]! : part.trim());
    }}>
      <p>{words}</p>
      <div class="pad-people">
        {found.map((name) => <button type="button" key={name} class="plain" onClick={() => onName(name)}>{name}</button>)}
      </div>
      <label class="door-field">Another name
        <input name="person" autoComplete="off" maxLength={64} value={part} spellcheck={false} onInput={(event) => setPart(event.currentTarget.value)} />
      </label>
    </form>
  );
}
