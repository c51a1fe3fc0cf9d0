/** Who is signed in and until when; that it is about to end, and that it has ended. */

import { timeOfDay } from "./format";
import { question } from "./identify";
import { isEnding, leftS, session, signOut, stay } from "./session";
import { wallNow } from "./store";

export function Who() {
  const told = session.value;
  if (told?.standing === "shared") return <p class="top-who">Shared screen <span class="quiet-text">{told.screen}</span></p>;
  if (told?.standing !== "person" || leftS.value === null) return null;
  return (
    <p class="top-who">
      <b>{told.user}</b> <span class="quiet-text">{told.role}, until {timeOfDay(new Date(wallNow() + leftS.value * 1000).toISOString())}</span>
      <button type="button" class="plain" onClick={() => void signOut()}>Sign out</button>
    </p>
  );
}

/** Above the picture, which stays: the rights are about to go, or are gone. */
export function SessionStrip() {
  const standing = session.value?.standing;
  if (standing === "ended") {
    return (
      <div class="session-strip" role="status">
        <p><b>Your sign-in has ended.</b> The picture stays. Sign in to act.</p>
        <button type="button" class="primary" onClick={() => (question.value = { what: "sign-in", answer: () => (question.value = null) })}>Sign in</button>
      </div>
    );
  }
  if (standing !== "person" || !isEnding.value || !leftS.value) return null;
  return (
    <div class="session-strip" role="alert">
      <p><b>Your sign-in ends in {leftS.value} s.</b> The picture stays.</p>
      <button type="button" class="primary" onClick={() => void stay()}>I am still here</button>
    </div>
  );
}
