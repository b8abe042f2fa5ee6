import { effect, signal } from "@preact/signals";
import { formatShare } from "../../../../base/index.ts";
import { writeNpy } from "../../../../images/index.ts";
import type { Recipe } from "../../../../training/index.ts";
import type { RequestOf, TrainingAnswer } from "../../engine/index.ts";
import { engine, engineState } from "../own/engine.ts";
import { busy, say, share } from "../own/work.ts";
import { readPacked } from "../scene.ts";

/** What the site stores for a training, in `scene/training.packed`. */
export interface StoredTraining {
  /** Its data name `digits.npy` and `classes.npy`. */
  readonly recipe: Recipe;
  /** [N, C, H, W] */
  readonly shape: readonly number[];
  /** From 0 for black to 255 for white, [N, C, H, W]. */
  readonly pixels: Uint8Array;
  /** [N] */
  readonly classes: Float32Array;
}

/** The training so far: what was measured after every few steps, the first before any step. */
export const course = signal<readonly TrainingAnswer[]>([]);
export const isLearning = signal(false);

/** So many steps lie between two measurements, each with so many singular values, at one held-out digit. */
const EVERY = 5;
const K = 10;

// A worker that was lost takes the training along.
effect(() => {
  if (engineState.value.kind === "lost") course.value = [];
});

/** Has the network learn, from where it is: for so many steps, or to the end of the recipe. What is asked for next stops it. */
export function learn(steps?: number): Promise<void> {
  const work = async (signal: AbortSignal): Promise<string> => {
    isLearning.value = true;
    try {
      const last = course.value.at(-1);
      const begin = last === undefined ? await storedTraining() : { training: last.training };
      const spectrum = { example: 0, k: K };
      const every = Math.min(EVERY, steps ?? EVERY);
      const request = { begin, every, spectrum, ...(steps === undefined ? {} : { steps }) };
      const answer = await engine().ask("train", request, { signal, onPartial: take });
      return `${described(answer)}.`;
    } finally {
      isLearning.value = false;
    }
  };
  return busy("The network begins to learn.", work, { givesWay: true });
}

/** Forgets the training, so that the next one begins with the same random weights. */
export function forget(): void {
  course.value = [];
}

function take(answer: TrainingAnswer): void {
  share.value = answer.step / answer.steps;
  say(`The network learns. ${described(answer)}.`);
  if (answer.step > (course.value.at(-1)?.step ?? -1)) course.value = [...course.value, answer];
}

export const described = ({ step, steps, heldOutAccuracy }: TrainingAnswer): string =>
  `Step ${step} of ${steps}: ${formatShare(heldOutAccuracy)} of the held-out digits are recognized`;

async function storedTraining(): Promise<RequestOf<"train">["begin"]> {
  const { recipe, shape, pixels, classes } = (await readPacked("scene/training.packed")) as StoredTraining;
  const inputs = writeNpy({ shape, data: Float32Array.from(pixels, (level) => level / 255) });
  const targets = writeNpy({ shape: [classes.length], data: classes });
  return {
    recipe: { name: "recipe.json", content: new TextEncoder().encode(JSON.stringify(recipe)) },
    files: [
      { name: "digits.npy", content: inputs },
      { name: "classes.npy", content: targets },
    ],
  };
}
