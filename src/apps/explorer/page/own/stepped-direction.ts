import { signal } from "@preact/signals";
import { PushforwardError, type Shape } from "../../../../base/index.ts";
import type { Step, StepAnswer } from "../../engine/index.ts";
import { largestOf } from "../look/answers.ts";
import type { Direction, Frame, VectorChoice } from "../subject.ts";

/** Steps on either side of 0. */
const STEPS = 20;
/** So many steps are asked for together, so that a step that the user waits for is not far behind. */
const TOGETHER = 5;

interface Stepping {
  readonly ask: (epsilons: readonly number[]) => Promise<StepAnswer>;
  readonly choice: VectorChoice;
  readonly sigma?: number;
  readonly v?: Float32Array;
  readonly shape: Shape;
  readonly epsilons: Float64Array;
}

/** The steps reach so many times as far as J predicts that the class changes. */
const BEYOND = 3;

/**
 * How far steps along a vector should reach, from its step of length 1: a few times as far as J predicts that another entry of the
 * output becomes the largest.
 */
export function reachOf({ steps, scores }: StepAnswer): number {
  const slopes = steps[0]!.predicted.map((value, c) => value - scores[c]!);
  const top = largestOf(scores);
  let nearest = Number.POSITIVE_INFINITY;
  for (const [c, score] of scores.entries()) {
    const speed = Math.abs(slopes[c]! - slopes[top]!);
    if (c !== top && speed > 0) nearest = Math.min(nearest, (scores[top]! - score) / speed);
  }
  const speed = Math.hypot(...slopes);
  const reach = nearest > 0 && Number.isFinite(nearest) ? BEYOND * nearest : 1 / speed;
  return Number.isFinite(reach) && reach > 0 ? reach : 1;
}

/** Steps of both signs, and 0, at equal distances, up to about `reach`. */
export function stepsUpTo(reach: number): Float64Array {
  const each = roundStep(reach / STEPS);
  return Float64Array.from({ length: 2 * STEPS + 1 }, (_, i) => round((i - STEPS) * each));
}

/**
 * A direction along which the network is run step by step: first where the user is, then from the middle outwards. A step that was
 * superseded is asked for again.
 */
export function steppedDirection({ ask, choice, sigma, v, shape, epsilons }: Stepping): Direction {
  const frames = signal<readonly (Frame | undefined)[]>(Array.from(epsilons, () => undefined));
  const wanted: number[] = [];
  let [isRunning, isLeft] = [false, false];
  const missing = (): number[] => {
    const near = Array.from(epsilons, (_, i) => i).sort((a, b) => Math.abs(a - STEPS) - Math.abs(b - STEPS));
    return [...new Set([...wanted, ...near])].filter((i) => frames.peek()[i] === undefined);
  };
  const run = async (): Promise<void> => {
    isRunning = true;
    try {
      for (let next = missing(); next.length > 0 && !isLeft; next = missing()) {
        const chosen =
          wanted.length > 0 && frames.peek()[wanted[0]!] === undefined ? next.slice(0, 1) : next.slice(0, TOGETHER);
        const { steps } = await ask(chosen.map((i) => epsilons[i]!));
        const known = [...frames.peek()];
        for (const [at, i] of chosen.entries()) known[i] = frameOf(steps[at]!);
        frames.value = known;
      }
    } catch (cause) {
      // A newer direction is asked for: this one is no longer looked at, or goes on when it is.
      if (!(cause instanceof PushforwardError && cause.code === "interrupted")) throw cause;
    } finally {
      isRunning = false;
    }
  };
  return {
    choice,
    ...(sigma === undefined ? {} : { sigma }),
    ...(v === undefined ? {} : { v }),
    shape,
    epsilons,
    frames,
    async want(step) {
      if (frames.peek()[step] === undefined) wanted.unshift(step);
      if (!isRunning) await run();
    },
    leave() {
      isLeft = true;
    },
  };
}

const frameOf = ({ epsilon, pixels, actual, predicted }: Step): Frame => ({
  epsilon,
  pixels: () => pixels,
  actual,
  // Where there is no step, the two differ only by the rounding of another pass.
  predicted: epsilon === 0 ? actual : predicted,
});

/** 1, 2 or 5 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const times = step / power;
  return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/** Without the digits that a multiplication leaves behind the last one that counts. */
const round = (value: number): number => Number(value.toPrecision(6));
