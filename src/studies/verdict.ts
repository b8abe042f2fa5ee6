import type { Sample } from "../results/index.ts";
import type { ClaimName } from "./claims.ts";
import { contrast } from "./contrast.ts";
import { type Estimate, jackknife } from "./statistics.ts";
import { told } from "./told.ts";

/** `undecided`: the data do not suffice, for example because there are few images. */
type Outcome = "supported" | "not supported" | "contradicted" | "undecided";

/** What the difference between the trained network and a control says about a claim. */
type Difference = "training adds" | "training takes away" | "no difference shown" | "undecided";

/** A claim with the numbers that decide it. */
export interface TestedClaim {
  /** Unique in the study: lower-case letters, digits and `-`. */
  readonly id: string;
  /** The claim of the paper that it refers to. */
  readonly on: ClaimName;
  readonly claim: string;
  readonly effect: Effect;
  /** What is said instead of the number where there is none. */
  readonly otherwise?: string;
  /** What follows the number. */
  readonly note?: string;
}

/** The number that a claim is about, as it follows from the images. */
interface Effect {
  readonly what: string;
  /** 1: the claim says that the number is larger than `none`; −1: that it is smaller. */
  readonly sign: 1 | -1;
  /** The number if there is no effect. */
  readonly none: number;
  readonly measure: Sample;
  /** The number where the effect is weakest: a claim of all is supported only if it holds there too. */
  readonly weakest?: { readonly what: string; readonly measure: Sample };
  /** If the measure is only a lower bound of the number: an upper bound. */
  readonly atMost?: Sample;
  /** For how many images the number of one stands, because it is the same for all. */
  readonly standsFor?: number;
}

/** A claim, with what the trained network and the controls say about it. */
export interface Verdict {
  readonly id: string;
  readonly on: ClaimName;
  readonly claim: string;
  /** Of the trained network. */
  readonly verdict: Outcome;
  /** The numbers from which the verdict follows, in words. */
  readonly because: string;
  readonly numbers: EffectNumbers;
  readonly controls: readonly ControlVerdict[];
}

/** A number with its interval, without how it follows from the images. */
type Interval = Omit<Estimate, "sample">;

/** The numbers of an effect (`Effect`), as one network or one kind of control has them. */
interface EffectNumbers {
  readonly measure: Interval;
  readonly weakest?: Interval;
  readonly atMost?: Interval;
}

/** What the random networks of one kind say about a claim, and what is left if they are subtracted. */
interface ControlVerdict {
  readonly kind: string;
  readonly verdict: Outcome;
  readonly because: string;
  /** Means over the draws. */
  readonly numbers: EffectNumbers;
  readonly difference: Difference;
  /** Trained minus control; the least and the most that it may be, if only bounds of the numbers are known. */
  readonly differences: readonly [Interval] | readonly [Interval, Interval];
  readonly differenceBecause: string;
}

/** The claims of one study, as each draw of a control has them. */
export interface ControlClaims {
  readonly kind: string;
  /** Whether it is a single network, and no sample of random ones: the network before training. */
  readonly one?: boolean;
  readonly draws: readonly (readonly TestedClaim[])[];
}

/** The fewest images for a verdict. With fewer, all can be on one side by chance more often than once in 40 times. */
export const FEWEST_IMAGES = 6;
/** The fewest draws of a control for a verdict, for the same reason. */
export const FEWEST_DRAWS = 6;

/** The verdict on a claim that an effect is positive, from its interval over n images, of which `fewest` are needed. */
export function verdictOf({ low, high, n }: Omit<Estimate, "value">, fewest = FEWEST_IMAGES): Outcome {
  if (n < fewest || !(Number.isFinite(low) && Number.isFinite(high))) return "undecided";
  if (low > 0) return "supported";
  return high < 0 ? "contradicted" : "not supported";
}

/**
 * Three verdicts on each claim: of the trained network, of each control, and of their difference. All follow from 95 % intervals by the
 * jackknife: over images, and for a control over images and draws (`contrast`). A difference needs at least FEWEST_DRAWS draws.
 */
export function judge(claims: readonly TestedClaim[], controls: readonly ControlClaims[] = []): Verdict[] {
  return claims.map((tested) => {
    const { id, on, claim, effect } = tested;
    const own = estimatesOf(effect, jackknife);
    return {
      ...{ id, on, claim, verdict: outcomeOf(effect, own), because: reasonOf(tested, own), numbers: numbersOf(own) },
      controls: controls.map((control) => controlVerdict(tested, control)),
    };
  });
}

/** The numbers of an effect with their intervals. */
interface Estimates {
  readonly measure: Estimate;
  readonly weakest: Estimate | undefined;
  readonly atMost: Estimate | undefined;
}

function estimatesOf({ measure, weakest, atMost }: Effect, of: (sample: Sample) => Estimate): Estimates {
  return {
    measure: of(measure),
    weakest: weakest === undefined ? undefined : of(weakest.measure),
    atMost: atMost === undefined ? undefined : of(atMost),
  };
}

const intervalOf = ({ sample, ...interval }: Estimate): Interval => interval;

function numbersOf({ measure, weakest, atMost }: Estimates): EffectNumbers {
  return {
    measure: intervalOf(measure),
    ...(weakest && { weakest: intervalOf(weakest) }),
    ...(atMost && { atMost: intervalOf(atMost) }),
  };
}

/** The effect must lie on the side that the claim states: at its weakest for support, and wherever it may lie for either. */
function outcomeOf({ sign, none }: Effect, { measure, weakest = measure, atMost = measure }: Estimates): Outcome {
  const isOpen = measure.value < none && none < atMost.value;
  if (isOpen) return "undecided";
  const beyond = ({ low, high }: Estimate) =>
    sign > 0 ? { low: low - none, high: high - none } : { low: none - high, high: none - low };
  const [least, most] = sign > 0 ? [weakest, atMost] : [weakest === measure ? atMost : weakest, measure];
  const n = Math.min(measure.n, weakest.n, atMost.n);
  return verdictOf({ low: beyond(least).low, high: beyond(most).high, n });
}

function reasonOf({ effect, otherwise, note }: TestedClaim, { measure, weakest, atMost }: Estimates): string {
  if (Number.isNaN(measure.value) && otherwise !== undefined) return otherwise;
  const { what, standsFor } = effect;
  const range =
    atMost === undefined || atMost.value === measure.value
      ? told(measure, standsFor)
      : `at least ${told(measure, standsFor)}, from those computed; at most ${told(atMost, standsFor)}, from the number of active rows`;
  const further = weakest === undefined ? "" : `; ${effect.weakest!.what}: ${told(weakest)}`;
  return `${what}: ${range}${further}.${note === undefined ? "" : ` ${note}`}`;
}

function controlVerdict(tested: TestedClaim, { kind, one = false, draws }: ControlClaims): ControlVerdict {
  const { effect } = tested;
  const others = draws.flatMap((claims) => claims.find(({ id }) => id === tested.id)?.effect ?? []);
  const compare = (of: (effect: Effect) => Sample | undefined, trained = of(effect)) =>
    trained &&
    contrast(
      trained,
      others.flatMap((other) => of(other) ?? []),
      { one },
    );
  const measure = compare(({ measure }) => measure)!;
  const weakest = compare(({ weakest }) => weakest?.measure);
  const atMost = compare(({ atMost }) => atMost);
  const own = { measure: measure.control, weakest: weakest?.control, atMost: atMost?.control };
  const hasDraws = (numbers: readonly (Estimate | undefined)[]) =>
    one || numbers.every((number) => number === undefined || number.draws! >= FEWEST_DRAWS);
  const differences =
    effect.atMost === undefined
      ? [measure.difference, measure.difference]
      : [
          // What is known of either number is only where it may lie, so the difference lies between these two.
          compare(({ atMost }) => atMost, effect.measure)!.difference,
          compare(({ measure }) => measure, effect.atMost)!.difference,
        ];
  const [least, most] = differences as [Estimate, Estimate];
  const { note, ...plain } = tested;
  return {
    kind,
    verdict: hasDraws(Object.values(own)) ? outcomeOf(effect, own) : "undecided",
    because: reasonOf(plain, own),
    numbers: numbersOf(own),
    difference: hasDraws(differences) ? differenceOf(effect.sign, least, most) : "undecided",
    differences: effect.atMost === undefined ? [intervalOf(least)] : [intervalOf(least), intervalOf(most)],
    differenceBecause: Object.is(least.value, most.value)
      ? `Trained minus control: ${told(least)}.`
      : `Trained minus control: between ${told(least)} and ${told(most)}.`,
  };
}

function differenceOf(sign: 1 | -1, { low, n: ofLeast }: Estimate, { high, n: ofMost }: Estimate): Difference {
  const n = Math.min(ofLeast, ofMost);
  const outcome = verdictOf(sign > 0 ? { low, high, n } : { low: -high, high: -low, n });
  if (outcome === "supported") return "training adds";
  if (outcome === "contradicted") return "training takes away";
  return outcome === "undecided" ? "undecided" : "no difference shown";
}
