import { formatNumber } from "../../../../base/index.ts";
import { direction, step, subject, zeroOf } from "../state.ts";
import { nameOf, type Stretch, stretchesOf } from "./answers.ts";

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
      <p class="reading">
        <label for="step">Step along the vector</label>
        <span>
          ε = <b class="value">{formatNumber(epsilon)}</b>
        </span>
        <button type="button" onClick={() => (step.value = zeroOf(epsilons))} disabled={epsilon === 0}>
          Back to 0
        </button>
      </p>
      <div class="slider">
        <input
          id="step"
          type="range"
          min={0}
          max={last}
          value={step.value}
          disabled={shown === undefined || last === 0}
          aria-valuetext={`ε = ${formatNumber(epsilon)}${here === undefined ? "" : `, class ${nameOf(classes, here.winner)}`}`}
          onInput={({ currentTarget }) => (step.value = Number(currentTarget.value))}
        />
        <div class="stretches" aria-hidden="true">
          {stretches.map(({ winner, first, last }) => (
            <span
              key={first}
              class={winner === here?.winner ? "here" : ""}
              style={{ flexGrow: last - first + 1 }}
              title={nameOf(classes, winner)}
            >
              {(last - first + 1) / epsilons.length > 0.04 + nameOf(classes, winner).length * 0.012
                ? nameOf(classes, winner)
                : ""}
            </span>
          ))}
        </div>
      </div>
      <p class="soft">
        ε is the length of the change; 1 is one {network.unit}. {tellChange(stretches, epsilons, classes)}
      </p>
    </div>
  );
}

/** Where the class changes first, on the way from no step. */
function tellChange(stretches: readonly Stretch[], epsilons: Float64Array, classes: readonly string[]): string {
  const zero = zeroOf(epsilons);
  const start = stretches.find(({ first, last }) => first <= zero && zero <= last);
  if (start === undefined || epsilons.length === 1) return "";
  const behind = stretches.flatMap(({ first, last, winner }) =>
    first > start.last ? [{ at: first, winner }] : last < start.first ? [{ at: last, winner }] : [],
  );
  const [nearest] = behind.sort((a, b) => Math.abs(epsilons[a.at]!) - Math.abs(epsilons[b.at]!));
  const from = nameOf(classes, start.winner);
  if (nearest === undefined) return `The class stays ${from} between ε = ${ends(epsilons)}.`;
  const to = nameOf(classes, nearest.winner);
  return `The strip tells which class wins where: the class changes first at ε = ${formatNumber(epsilons[nearest.at]!)}, from ${from} to ${to}.`;
}

const ends = (epsilons: Float64Array): string => `${formatNumber(epsilons[0]!)} and ${formatNumber(epsilons.at(-1)!)}`;
