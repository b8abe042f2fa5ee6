import { formatNumber, plural } from "../../../../base/index.ts";
import { direction, step, subject, zeroOf } from "../state.ts";
import { stretchesOf } from "./answers.ts";

/** The length of the step, with the classes that the network tells along the way. */
export function StepSlider() {
  const shown = direction.value;
  const { classes, network } = subject.value!;
  const epsilons = shown?.epsilons ?? new Float64Array([0]);
  const last = epsilons.length - 1;
  const epsilon = epsilons[Math.min(step.value, last)]!;
  const stretches = shown === undefined ? [] : stretchesOf(shown.frames.value);
  const here = stretches.find(({ first, last }) => first <= step.value && step.value <= last);
  return (
    <div class="stepping">
      <label for="step">Step along the vector</label>
      <div class="slider">
        <input
          id="step"
          type="range"
          min={0}
          max={last}
          value={step.value}
          disabled={shown === undefined}
          aria-valuetext={`ε = ${formatNumber(epsilon)}${here === undefined ? "" : `, class ${classes[here.winner]}`}`}
          onInput={({ currentTarget }) => (step.value = Number(currentTarget.value))}
        />
        <div class="stretches" aria-hidden="true">
          {stretches.map(({ winner, first, last }) => (
            <span
              key={first}
              class={winner === here?.winner ? "here" : ""}
              style={{ flexGrow: last - first + 1 }}
              title={classes[winner]}
            >
              {(last - first + 1) / epsilons.length > 0.04 + (classes[winner]?.length ?? 0) * 0.012
                ? classes[winner]
                : ""}
            </span>
          ))}
        </div>
      </div>
      <p class="reading">
        ε = <b class="value">{formatNumber(epsilon)}</b>
        <span class="soft"> (length of the change; 1 is one {network.unit})</span>
        <button type="button" onClick={() => (step.value = zeroOf(epsilons))} disabled={epsilon === 0}>
          Back to 0
        </button>
      </p>
      {stretches.length > 1 && (
        <p class="soft">
          The strip below the slider tells which class wins where: {plural(stretches.length - 1, "change")} along this
          direction.
        </p>
      )}
    </div>
  );
}
