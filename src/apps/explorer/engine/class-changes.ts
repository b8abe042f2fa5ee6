import { PushforwardError } from "../../../base/index.ts";
import { numericalRankOf } from "../../../results/index.ts";
import { ranked } from "../../../studies/index.ts";
import type { ClassChange, ClassChangesAnswer } from "./answers.ts";
import type { Job } from "./job.ts";
import type { Pictures } from "./pictures.ts";
import type { RequestOf } from "./protocol.ts";
import type { Spectra } from "./spectra.ts";
import { type Line, lengthOf, type Steps } from "./steps.ts";

/** The range is divided into so many steps, and the first one with another class is bisected so often. */
const STEPS = 32;
const BISECTIONS = 12;

/**
 * The smallest steps along ±v that change the class, for vectors of a spectrum.
 *
 * @throws PushforwardError `usage` if the network gives no class scores, or the range is not positive
 */
export async function classChanges(
  { picture, spectrum, indices, range: asked }: RequestOf<"nearestChange">,
  { pictures, spectra, steps }: { readonly pictures: Pictures; readonly spectra: Spectra; readonly steps: Steps },
  job: Job<"nearestChange">,
): Promise<ClassChangesAnswer> {
  const { classes } = pictures;
  const scores = pictures.scoresOf(picture);
  if (scores === undefined) {
    throw new PushforwardError("usage", {
      what: "The network gives no class scores at this picture, so that no class can change.",
      fix: "Use a network that classifies.",
    });
  }
  const tried = indices ?? Array.from({ length: numericalRankOf(spectra.numbersOf(spectrum)) }, (_, i) => i);
  const first = await steps.line(picture, { spectrum, index: tried[0] ?? 0 });
  const range = asked ?? lengthOf(first.x);
  if (!(range > 0)) {
    throw new PushforwardError("usage", { what: `The range is ${range}.`, fix: "Give a positive length." });
  }
  const best = ranked(scores)[0]!;
  const classAt = async (line: Line, epsilon: number) => {
    await job.rest();
    return ranked((await steps.at(line, epsilon)).actual)[0]!;
  };
  const changes: ClassChange[] = [];
  const answer = () => ({ changes: [...changes], range, spacing: range / STEPS, class: classes[best]! });
  for (const index of tried) {
    const line = await steps.line(picture, { spectrum, index });
    const found = await nearest((epsilon) => classAt(line, epsilon), best, range);
    changes.push({ index, ...(found && { epsilon: found.epsilon, class: classes[found.class]! }) });
    job.progress({ phase: "stepping", done: changes.length, of: tried.length });
    job.partial(answer());
  }
  return answer();
}

/** The step of least length, in either direction, with another class; `undefined` if there is none up to the range. */
async function nearest(
  classAt: (epsilon: number) => Promise<number>,
  own: number,
  range: number,
): Promise<{ readonly epsilon: number; readonly class: number } | undefined> {
  for (let i = 1; i <= STEPS; i++) {
    const [near, far] = [((i - 1) * range) / STEPS, (i * range) / STEPS];
    const changed = [];
    for (const sign of [1, -1]) {
      if ((await classAt(sign * far)) !== own) changed.push(await bisected(classAt, own, sign, near, far));
    }
    if (changed.length > 0) return changed.reduce((a, b) => (Math.abs(b.epsilon) < Math.abs(a.epsilon) ? b : a));
  }
  return undefined;
}

async function bisected(
  classAt: (epsilon: number) => Promise<number>,
  own: number,
  sign: number,
  near: number,
  far: number,
): Promise<{ readonly epsilon: number; readonly class: number }> {
  let [inside, outside] = [near, far];
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (inside + outside) / 2;
    if ((await classAt(sign * middle)) === own) inside = middle;
    else outside = middle;
  }
  return { epsilon: sign * outside, class: await classAt(sign * outside) };
}
