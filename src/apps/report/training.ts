import { chartFigure } from "../../figures/index.ts";
import type { Chart, ChartSeries } from "../../results/index.ts";
import { losses as kinds, lossName } from "../../training/index.ts";
import type { Training } from "../node/index.ts";
import { drawingDocument } from "./figures.ts";

/** The most points of the curve of losses. */
const POINTS = 200;

/**
 * The curves of a training, finished or not, as files: `loss.svg`, and `accuracy.svg` if held-out examples have classes.
 *
 * @throws PushforwardError what the store throws
 */
export async function renderTraining(training: Training): Promise<Map<string, string>> {
  const scores = await training.scores();
  const losses = await training.losses();
  const name = lossName(training.recipe.loss);
  const { told } = kinds[name];
  const document = drawingDocument();
  const ofCheckpoints = (name: string, of: "loss" | "accuracy"): ChartSeries => ({
    name,
    mark: "dots",
    points: training.checkpoints.flatMap((step, i) =>
      step > 0 && finite(scores[i]![of]) ? [{ x: step, y: scores[i]![of] }] : [],
    ),
  });
  const held = ofCheckpoints("held out", "loss");
  const step = { label: "step", log: true };
  const loss: Chart = {
    id: "loss",
    title: "Loss",
    caption: `Line: the mean loss of the steps on their batches, before each changes the weights${
      training.recipe.penalty === undefined ? "" : ", with the penalty"
    }. ${
      held.points.length > 0 ? `Marks: the loss on held-out examples at the checkpoints, ${without(training)}.` : ""
    }`.trim(),
    x: step,
    y: { label: told ?? name, log: isPositive([...losses, ...held.points.map(({ y }) => y)]) },
    panels: [
      {
        title: "",
        series: [{ name: "batches", mark: "line", points: curve(losses) }, ...(held.points.length > 0 ? [held] : [])],
      },
    ],
  };
  const files = new Map([["loss.svg", chartFigure(loss, { document }).svg]]);
  const accuracies = ofCheckpoints("held out", "accuracy");
  if (accuracies.points.length === 0) return files;
  const accuracy: Chart = {
    id: "accuracy",
    title: "Accuracy",
    caption: "The share of held-out examples that are classified correctly at the checkpoints.",
    x: step,
    y: { label: "share classified correctly" },
    panels: [{ title: "", series: [accuracies] }],
  };
  return files.set("accuracy.svg", chartFigure(accuracy, { document }).svg);
}

/** What there is in training alone, for a caption. */
function without({ recipe: { corruption, penalty } }: Training): string {
  const more = [...(corruption === undefined ? [] : ["corruption"]), ...(penalty === undefined ? [] : ["penalty"])];
  return ["without dropout", ...more].join(" or ");
}

const finite = (value: number): boolean => Number.isFinite(value);

const isPositive = (values: readonly number[]): boolean => values.every((value) => !finite(value) || value > 0);

/** The losses as points whose distances grow with the step, each the mean of the steps up to it from the one before. */
function curve(losses: Float64Array): { x: number; y: number }[] {
  const known = losses.findLastIndex(finite) + 1;
  const ends = new Set(Array.from({ length: POINTS }, (_, i) => Math.round(known ** ((i + 1) / POINTS))));
  let from = 0;
  return [...ends]
    .filter((end) => end >= 1)
    .map((end) => {
      const some = losses.subarray(from, end);
      from = end;
      return { x: end, y: some.reduce((sum, loss) => sum + loss, 0) / some.length };
    });
}
