/** Where the page begins. */

import { signal } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import "./alarm.css";
import "./ward.css";
import "./form.css";
import { Footer } from "./footer";
import { EngineerNotes, Header, LostBanner, NodeAlarms, TrainingStrip } from "./header";
import { start } from "./link";
import { LiveRegion } from "./live-region";
import { OtherAlarms } from "./other-alarms";
import { PumpPage } from "./pump";
import { pumpOf } from "./route";
import { startSounding } from "./sound";
import { Ward } from "./ward";

const wall = new URLSearchParams(location.search).has("wall");
const route = signal(location.hash);
addEventListener("hashchange", () => {
  route.value = location.hash;
});

function Page() {
  const pump = wall ? null : pumpOf(route.value);
  return (
    <>
      <TrainingStrip />
      <LostBanner />
      <Header wall={wall} />
      <NodeAlarms />
      {pump && <OtherAlarms than={pump} />}
      <main>{pump ? <PumpPage name={pump} key={pump} /> : <Ward wall={wall} />}</main>
      <EngineerNotes />
      <Footer />
      <LiveRegion />
    </>
  );
}

const KEYS: Record<string, string> = { a: "button.have-it:not(:disabled)", s: "button.silence:not(:disabled)" };

/** An alarm is answered in two keys: A goes to the worst one's "I have it", S to its silence; Enter presses it. */
addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
  const button = KEYS[event.key.toLowerCase()];
  if (typing || event.ctrlKey || event.metaKey || event.altKey || button === undefined) return;
  document.querySelector<HTMLButtonElement>(button)?.focus();
});

document.documentElement.classList.toggle("wall", wall);
render(<Page />, document.getElementById("page")!);
start();
startSounding();
