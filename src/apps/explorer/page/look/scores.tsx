import { formatNumber } from "../../../../base/index.ts";
import { direction, frame, frameAtRest, subject } from "../state.ts";
import type { Frame } from "../subject.ts";
import { barScale, gapOf, largestOf, nameOf, shownClasses } from "./answers.ts";

/** The scores at the step as bars, and what J predicts of them as lines across; and how far the two are apart. */
export function Scores() {
  const now = frame.value;
  const frames = direction.value?.frames.value ?? [];
  if (now === undefined) {
    return (
      <p class="soft scores">
        {subject.value!.isRun
          ? "A stored run has spectra and vectors. To move the picture, open its network and pictures."
          : direction.value === undefined
            ? "Choose a direction, and move the slider."
            : "The network has not been run at this step yet."}
      </p>
    );
  }
  const { classes } = subject.value!;
  const rows = shownClasses(frames, frameAtRest.value ?? now);
  const scale = barScale(frames, rows);
  const winner = largestOf(now.actual);
  return (
    <div class="scores">
      <p class="verdict">
        The network says <b class="class">{nameOf(classes, winner)}</b>
      </p>
      <table class="bars">
        <caption class="soft">
          <span class="key actual" /> score of the network <span class="key predicted" /> prediction of the Jacobian J
        </caption>
        <thead class="soft">
          <tr>
            <th scope="col">class</th>
            <td />
            <th scope="col" class="number">
              score
            </th>
            <th scope="col" class="number">
              by J
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((c) => (
            <Bar key={c} name={nameOf(classes, c)} now={now} of={c} scale={scale} wins={c === winner} />
          ))}
        </tbody>
      </table>
      <Gap now={now} />
    </div>
  );
}

interface BarProps {
  readonly name: string;
  readonly now: Frame;
  readonly of: number;
  readonly scale: (score: number) => number;
  readonly wins: boolean;
}

function Bar({ name, now, of, scale, wins }: BarProps) {
  const [zero, actual, predicted] = [scale(0), scale(now.actual[of]!), scale(now.predicted[of]!)];
  return (
    <tr class={wins ? "wins" : ""}>
      <th scope="row">{name}</th>
      <td class="track">
        <div>
          <span class="zero" style={{ left: `${zero}%` }} />
          <span class="bar" style={{ left: `${Math.min(zero, actual)}%`, width: `${Math.abs(actual - zero)}%` }} />
          <span class="line" style={{ left: `${predicted}%` }} />
        </div>
      </td>
      <td class="number">{formatNumber(now.actual[of]!)}</td>
      <td class="number soft">{formatNumber(now.predicted[of]!)}</td>
    </tr>
  );
}

function Gap({ now }: { readonly now: Frame }) {
  const { gap, change } = gapOf(now, frameAtRest.value ?? now);
  return (
    <p class="gap">
      Gap: <b class="value">{formatNumber(gap)}</b>
      <span class="soft">
        {now.epsilon === 0
          ? " between bars and lines: none without a step. Move the slider."
          : ` between bars and lines, where J predicts a change of ${formatNumber(change)}.`}
      </span>
    </p>
  );
}
