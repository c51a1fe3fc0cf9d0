/** A pump of the house that answers at another port: who it is, and one tap that says where it is. */

import { ask, asked, type Request } from "./ask";
import { Told } from "./answer";
import { mayAsk } from "./session";
import { cards, linkUp } from "./store";
import type { Card } from "./types";

const VERB = "exchange-ports";

/** `stay`: it stands where it stood, and only the cable changed. `exchange`: the two changed places. */
export type Beds = "stay" | "exchange";

/** Return the card of the pump that answers in the place of `card`'s; undefined when nothing of it is known. */
export function foundAt(card: Card, all: Iterable<Card>): Card | undefined {
  const instead = card.link?.instead;
  if (!instead) return undefined;
  return [...all].find((other) => other.pump === instead && other.node === card.node);
}

/** Return the request of verb `exchange-ports`: no pump is touched by it. */
export function exchangeRequest(card: Card, found: Card, beds: Beds): Request {
  const { node, boot_id, pump, channel } = card;
  return { path: VERB, body: { node, boot_id, pump, channel, to_pump: found.pump, to_channel: found.channel, beds } };
}

function carries(card: Card): boolean {
  return card.programme !== null && card.programme !== undefined;
}

/** Return what may be said of where it is, each in the words of its button. */
export function choices(card: Card, found: Card): readonly (readonly [Beds, string])[] {
  const stay = ["stay", found.bed ? `It stands at bed ${found.bed}, only the cable changed` : "It is plugged in here"] as const;
  // Where something is ordered, the bed is a patient's: it is moved with the infusion.
  if (!card.bed || card.bed === found.bed || carries(card) || carries(found)) return [stay];
  return [["exchange", `It stands here, at bed ${card.bed}`], stay];
}

export function FoundPump({ card }: { card: Card }) {
  const instead = card.link?.instead;
  if (!instead || card.not_live !== "") return null;
  const found = foundAt(card, [...cards.value.values()].map((one) => one.value));
  const key = `${card.key} ${VERB}`;
  const state = asked.value.get(key);
  const say = (beds: Beds) => {
    if (!found) return;
    const gone = () => (cards.value.get(card.key)?.value.link?.instead ?? "") !== instead;
    void ask(key, `${VERB} ${beds}`, [exchangeRequest(card, found, beds)], gone);
  };
  return (
    <section class="found" aria-label={`${instead} is plugged in here`}>
      <p class="found-who">
        <b>{instead}</b>{found ? ` is known${found.bed ? `: it belongs to bed ${found.bed}` : ", and has no bed"}.` : " is a pump of the house without a port here. An engineer gives it one."}
      </p>
      {found && (mayAsk(VERB)
        ? (
          <>
            <p>Read its label. Where is {instead}?</p>
            <Told state={state} />
            <div class="found-choices">
              {choices(card, found).map(([beds, words]) => (
                <button type="button" key={beds} class="primary" disabled={!linkUp.value || state?.state === "asked"} onClick={() => say(beds)}>
                  {state?.state === "asked" && state.verb === `${VERB} ${beds}` ? "Asked…" : words}
                </button>
              ))}
            </div>
            <p class="quiet-text">{card.pump} is then looked for where {instead} was. No pump is touched.</p>
          </>
        )
        : <p>A nurse or an engineer says where it is.</p>)}
    </section>
  );
}
