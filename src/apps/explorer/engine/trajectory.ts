import { PushforwardError } from "../../../base/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import { cloudOf, turnedAlike } from "../../../studies/index.ts";
import type { TrajectoryAnswer } from "./answers.ts";
import type { Job } from "./job.ts";
import type { Pictures } from "./pictures.ts";
import type { RequestOf } from "./protocol.ts";

/** A plane needs so many points. */
const FEWEST = 3;

/**
 * Where all pictures are at each tap, as `study trajectory` shows them.
 *
 * @throws PushforwardError `usage` for fewer than three pictures; `not-finite` naming a picture and a tap
 */
export async function trajectoryOf(
  network: Network,
  pictures: Pictures,
  { taps: asked }: RequestOf<"trajectory">,
  job: Job<"trajectory">,
): Promise<TrajectoryAnswer> {
  const { usable } = pictures;
  if (usable.length < FEWEST) {
    throw new PushforwardError("usage", {
      what: `A plane in which pictures move needs at least ${FEWEST} of them, and there ${usable.length === 1 ? "is" : "are"} ${usable.length}.`,
      fix: "Add pictures.",
    });
  }
  const cuts = network.taps.filter((tap) => tap.cut && network.isFloat(tap));
  const taps = asked === undefined ? cuts : asked.map((name) => network.tap(name));
  const positions: Float64Array[] = [];
  const answer = (): TrajectoryAnswer => ({
    taps: taps.slice(0, positions.length).map(({ name }) => name),
    pictures: usable.map(({ picture }) => picture),
    position: joined(turnedAlike(positions)),
  });
  for (const tap of taps) {
    const pass = await network.forwardPass(network.input, tap);
    try {
      const values: Float32Array[] = [];
      for (const { picture, point } of usable) {
        await job.rest();
        const value = await pass.at(point, point);
        if (!value.every(Number.isFinite)) throw notFinite(tap.name, pictures.nameOf(picture));
        values.push(value);
      }
      positions.push((await cloudOf(values, network.backend.algebra)).position);
    } finally {
      await pass.release();
    }
    job.progress({ phase: "moving", done: positions.length, of: taps.length });
    job.partial(answer());
  }
  return answer();
}

const notFinite = (tap: string, input: string): PushforwardError =>
  new PushforwardError("not-finite", {
    what: `The value of ${tap} at ${input} is not finite.`,
    where: { input, tap },
    fix: "Remove this picture.",
  });

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
