/** Where the page begins. */

import { signal } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import "./alarm.css";
import "./ward.css";
import "./form.css";
import "./people.css";
import { Contacts } from "./contacts";
import { Footer } from "./footer";
import { EngineerNotes, Header, LostBanner, NodeAlarms, TrainingStrip } from "./header";
import { start } from "./link";
import { LiveRegion } from "./live-region";
import { OtherAlarms } from "./other-alarms";
import { Sheet } from "./pin-pad";
import { PumpPage } from "./pump";
import { pumpOf } from "./route";
import { loadSession, session, startSession, toWard } from "./session";
import { SignInPage } from "./sign-in";
import { startSounding } from "./sound";
import { Ward } from "./ward";
import { SessionStrip } from "./who";

const wallAsked = new URLSearchParams(location.search).has("wall");
const route = signal(location.hash);
addEventListener("hashchange", () => {
  route.value = location.hash;
});

function Page() {
  const wall = wallAsked || session.value?.standing === "wall";
  const pump = wall ? null : pumpOf(route.value);
  return (
    <>
      <TrainingStrip />
      <LostBanner />
      <Header wall={wall} />
      {!wall && <SessionStrip />}
      <NodeAlarms />
      {pump && <OtherAlarms than={pump} />}
      <main>{pump ? <PumpPage name={pump} key={pump} /> : <Ward wall={wall} />}</main>
      <EngineerNotes />
      {!wall && <Contacts />}
      <Footer />
      <LiveRegion />
      <Sheet />
    </>
  );
}

const KEYS: Record<string, string> = { a: "button.have-it:not(:disabled)", s: "button.silence:not(:disabled)" };

/** An alarm is answered in two keys: A goes to the worst one's "I have it", S to its silence; Enter presses it. */
addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null;
  const button = KEYS[event.key.toLowerCase()];
  if (typing || event.ctrlKey || event.metaKey || event.altKey || button === undefined) return;
  document.querySelector<HTMLButtonElement>(button)?.focus();
});

async function begin(): Promise<void> {
  const told = await loadSession();
  const root = document.getElementById("page")!;
  if (location.pathname === "/sign-in") {
    if (told && told.standing !== "nobody") toWard();
    else render(<SignInPage />, root);
    return;
  }
  document.documentElement.classList.toggle("wall", wallAsked || told?.standing === "wall");
  render(<Page />, root);
  start();
  startSession();
  startSounding();
}

void begin();
