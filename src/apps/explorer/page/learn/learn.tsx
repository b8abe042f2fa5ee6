import { formatNumber } from "../../../../base/index.ts";
import { chartFigure } from "../../../../figures/index.ts";
import type { Chart, ChartSeries } from "../../../../results/index.ts";
import type { TrainingAnswer } from "../../engine/index.ts";
import { Drawn } from "../drawn.tsx";
import { cancel } from "../own/work.ts";
import { course, described, forget, isLearning, learn } from "./training.ts";

/** The width of a chart, in pixels. */
const WIDTH = 380;

/** The example's network learns here, and its spectrum moves. */
export function Learn() {
  const known = course.value;
  const now = known.at(-1);
  const isAtEnd = now !== undefined && now.step === now.steps;
  return (
    <section class="learn">
      <h2>Watch it learn</h2>
      <p>
        The network of the example begins with random weights and learns from 400 digits, in this browser. After every
        few steps it is asked for 100 digits that it does not learn from, and the spectrum of J(input → scores) is
        measured at one of them.
      </p>
      <div class="row">
        <button type="button" class="main" disabled={isLearning.value || isAtEnd} onClick={() => learn()}>
          Start
        </button>
        <button type="button" disabled={!isLearning.value} onClick={cancel}>
          Stop
        </button>
        <button type="button" disabled={isLearning.value || isAtEnd} onClick={() => learn(1)}>
          Step
        </button>
        <button type="button" disabled={isLearning.value || now === undefined} onClick={forget}>
          Begin again
        </button>
      </div>
      {now !== undefined && (
        <>
          <p class="reading">
            {described(now)}; σ₁ = <b class="value">{formatNumber(now.sigma[0]!, 4)}</b>
          </p>
          <div class="charts">
            {[lossChart(known), accuracyChart(known), spectrumChart(known)].map((chart) => (
              <Drawn key={chart.id} class="paper" svg={chartFigure(chart, { document, width: WIDTH }).svg} />
            ))}
          </div>
        </>
      )}
    </section>
  );
}

const lossChart = (known: readonly TrainingAnswer[]): Chart => ({
  id: "loss",
  title: "Loss",
  caption: "The loss of the digits learnt from, a mean over the last steps, and of those held out.",
  x: { label: "step" },
  y: { label: "loss" },
  panels: [
    {
      title: "",
      series: [
        ...seriesOf("learnt from", known, ({ loss }) => loss),
        ...seriesOf("held out", known, ({ heldOutLoss }) => heldOutLoss),
      ],
    },
  ],
});

const accuracyChart = (known: readonly TrainingAnswer[]): Chart => ({
  id: "accuracy",
  title: "Share of held-out digits that are recognized",
  caption: "After each few steps.",
  x: { label: "step" },
  y: { label: "accuracy" },
  panels: [{ title: "", series: seriesOf("held out", known, ({ heldOutAccuracy }) => heldOutAccuracy) }],
});

/** The spectrum now, beside that before the first step. */
function spectrumChart(known: readonly TrainingAnswer[]): Chart {
  const [first, last] = [known[0]!, known.at(-1)!];
  return {
    id: "spectrum",
    title: "Singular values of J(input → scores)",
    caption: "At one held-out digit, before the first step and now.",
    x: { label: "index k" },
    y: { label: "σ", log: true },
    panels: [{ title: "", series: (first === last ? [first] : [first, last]).flatMap(spectrumSeries) }],
  };
}

function spectrumSeries({ step, sigma }: TrainingAnswer): ChartSeries[] {
  const points = Array.from(sigma, (y, i) => ({ x: i + 1, y })).filter(({ y }) => y > 0);
  return points.length === 0 ? [] : [{ name: `step ${step}`, mark: "line", points }];
}

function seriesOf(
  name: string,
  known: readonly TrainingAnswer[],
  of: (answer: TrainingAnswer) => number,
): ChartSeries[] {
  const points = known.map((answer) => ({ x: answer.step, y: of(answer) })).filter(({ y }) => Number.isFinite(y));
  return points.length === 0 ? [] : [{ name, mark: "line", points }];
}
