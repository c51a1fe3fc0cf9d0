/** The sign-in: a page of its own, and a sheet over a picture whose session has ended. */

import { useEffect, useRef, useState } from "preact/hooks";
import { FOOTER } from "./words";
import { type DemoAccount, letIn, loadSession, type NotLetIn, session, signIn, toWard } from "./session";

/** Return a refusal's words while they hold, with the seconds that are left counted down. */
export function useRefusal() {
  const [refusal, setRefusal] = useState<(NotLetIn & { atMs: number }) | null>(null);
  const [, count] = useState(0);
  const leftS = refusal ? Math.ceil(refusal.wait_s - (performance.now() - refusal.atMs) / 1000) : 0;
  useEffect(() => {
    if (leftS <= 0) return;
    const timer = setInterval(() => count((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [refusal, leftS <= 0]);
  const words = !refusal ? "" : refusal.wait_s === 0 ? refusal.reason : leftS > 0 ? `Too many wrong attempts. Try again in ${span(leftS)}.` : "Try again now.";
  return { words, waits: leftS > 0, refuse: (told: NotLetIn | null) => setRefusal(told && { ...told, atMs: performance.now() }) };
}

function span(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function SignInForm({ onDone, onBack }: { onDone: () => void; onBack?: () => void }) {
  const [name, setName] = useState(session.peek()?.user ?? "");
  const [password, setPassword] = useState("");
  const [shown, show] = useState(false);
  const [busy, setBusy] = useState(false);
  const { words, waits, refuse } = useRefusal();
  const nameInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  useEffect(() => (name ? passwordInput : nameInput).current?.focus(), []);
  const reveal = () => {
    show(!shown);
    if (passwordInput.current) passwordInput.current.type = shown ? "password" : "text";
  };
  const submit = async () => {
    if (!name.trim() || !password) {
      refuse({ reason: "Write your name and your password.", wait_s: 0 });
      return;
    }
    setBusy(true);
    const told = await signIn(name, password);
    setBusy(false);
    refuse(told);
    setPassword("");
    if (told) passwordInput.current?.focus();
    else onDone();
  };
  return (
    <form class="door-form" noValidate aria-label="Sign in" onSubmit={(event) => {
      event.preventDefault();
      void submit();
    }}>
      <label class="door-field">Name
        <input name="username" autoComplete="username" maxLength={64} value={name} ref={nameInput} spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="door-field">Password
        <span class="door-password">
          <input name="password" type="password" autoComplete="current-password" maxLength={128} value={password}
            ref={passwordInput} spellcheck={false} onInput={(event) => setPassword(event.currentTarget.value)} />
          <button type="button" class="link" aria-pressed={shown} onClick={reveal}>{shown ? "Hide" : "Show"}</button>
        </span>
      </label>
      {words && <p class="form-told" role="alert"><b>{words}</b></p>}
      <div class="form-buttons">
        <button type="submit" class="primary" disabled={busy || waits}>{busy ? "One moment…" : "Sign in"}</button>
        {onBack && <button type="button" class="plain" onClick={onBack}>Back</button>}
      </div>
    </form>
  );
}

function ScreenForm({ onDone }: { onDone: () => void }) {
  const [code, setCode] = useState("");
  const { words, waits, refuse } = useRefusal();
  const submit = async () => {
    const told = await letIn(code);
    refuse(told);
    if (!told) onDone();
  };
  return (
    <details class="door-more">
      <summary>This is a screen of the ward</summary>
      <form class="door-form" onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}>
        <p class="quiet-text">A wall screen only shows. A shared screen takes name and PIN for what is done at it. An admin makes the code: <code>pumpd screen add</code></p>
        <label class="door-field">Code
          <input name="code" autoComplete="off" maxLength={20} placeholder="ABCD-EFGH-JKLM" value={code} required spellcheck={false}
            onInput={(event) => setCode(event.currentTarget.value.toUpperCase())} />
        </label>
        {words && <p class="form-told" role="alert"><b>{words}</b></p>}
        <button type="submit" class="plain" disabled={waits}>Let this screen in</button>
      </form>
    </details>
  );
}

/** The demo's accounts, one tap each: everybody may know them. */
function DemoAccounts({ accounts, onDone }: { accounts: DemoAccount[]; onDone: () => void }) {
  const [told, tell] = useState("");
  const enter = async (account: DemoAccount) => {
    const refusal = await signIn(account.name, account.password);
    if (refusal) tell(refusal.reason);
    else onDone();
  };
  return (
    <section class="door-demo" aria-label="Accounts of the demo">
      <p><b>TRAINING, NO PATIENT.</b> Accounts of this demo, one tap each:</p>
      <div class="door-accounts">
        {accounts.map((account) => (
          <button type="button" key={account.name} class="plain" onClick={() => void enter(account)}>
            <b>{account.name}</b> <span class="quiet-text">{account.role}</span>
          </button>
        ))}
      </div>
      {told && <p class="form-told" role="alert"><b>{told}</b></p>}
    </section>
  );
}

export function SignInPage() {
  const told = session.value;
  const entered = () => toWard();
  return (
    <div class="door">
      <main class="door-card">
        <h1>pumpd</h1>
        {told?.first_command
          ? (
            <section class="door-first" role="status">
              <p><b>Nobody can sign in yet.</b> On the dashboard's machine, run:</p>
              <pre><code>{told.first_command}</code></pre>
              <p class="quiet-text">It asks for a password. Roles: viewer, nurse, pharmacist, engineer, admin.</p>
              <button type="button" class="plain" onClick={() => void loadSession()}>Look again</button>
            </section>
          )
          : <SignInForm onDone={entered} />}
        {(told?.demo ?? []).length > 0 && <DemoAccounts accounts={told!.demo!} onDone={entered} />}
        <ScreenForm onDone={entered} />
      </main>
      <footer class="foot"><p>{FOOTER}</p></footer>
    </div>
  );
}
