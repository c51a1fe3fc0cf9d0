/** The limits of a tighter drug library, taken over for an infusion that runs: by name, with a reason, as a new order. */

import { Accepted } from "./checklist";
import { numberProblem, typed } from "./draft";
import { AskForm, Field } from "./form";
import { unit } from "./format";
import { infusionRequest, lookedAgain, orderSeen, takeOverBody } from "./infusion-ask";
import { type FormProps, useForm } from "./infusion-forms";
import type { NewerLibrary } from "./infusion-types";

const DOSES = ["dose", "dose_min", "dose_max"];

export function TakeOver({ newer, ...props }: FormProps & { newer: NewerLibrary }) {
  const { card, infusion } = props;
  const ordered = infusion.versions[infusion.versions.length - 1];
  const { draft, common, values } = useForm(props, `take-over ${newer.sha256}`, {
    dose: infusion.dose, dose_min: ordered?.dose_min ?? "", dose_max: ordered?.dose_max ?? "",
    seen: orderSeen(infusion),
  });
  const check = () => {
    const wrong: Record<string, string> = {};
    for (const name of DOSES) {
      const problem = numberProblem(typed(draft, name));
      if (problem) wrong[name] = problem;
    }
    if (!typed(draft, "reason")) wrong["reason"] = "Write why they are taken over.";
    if (infusion.second_check && !typed(draft, "checked_by")) wrong["checked_by"] = "A second person must check: write the name.";
    return { ...wrong, ...lookedAgain(draft, infusion) };
  };
  const of = unit(infusion.dose_unit);
  return (
    <AskForm {...common} title="Take over the tighter limits" words="Take them over" check={check}
      fields={[...DOSES, "reason", "checked_by", "accepted"]}
      request={() => infusionRequest(card, "change", takeOverBody(values(), card))}>
      {newer.problem && <p><b>The order can not stand as it is:</b> {newer.problem}. Order less below.</p>}
      <div class="fields">
        <Field draft={draft} name="dose" label="Give now" unit={of} digits longest={16} />
        <Field draft={draft} name="dose_min" label="Ordered from" unit={of} digits longest={16} />
        <Field draft={draft} name="dose_max" label="Ordered to" unit={of} digits longest={16} />
      </div>
      <Field draft={draft} name="reason" label="Because" longest={200} />
      <Field draft={draft} name="checked_by" label="Checked by (a second person)" />
      <Accepted draft={draft} />
      <p class="quiet-text">The pump is not touched. From then on the tighter limits hold for this infusion, and there is no way back.</p>
    </AskForm>
  );
}
