import type { MeasureName } from "./dynamics-measures.ts";
import { accuracyOf, change, isKnown, lagBehind, measureOf, ofNetwork, tapsOf, titleOf } from "./dynamics-numbers.ts";
import { fromCurves } from "./over-training.ts";
import type { StudyData } from "./study.ts";
import type { TestedClaim } from "./verdict.ts";

/** The claims on the last tap, each with what would contradict it. */
export function claimsOf(data: StudyData, names: readonly MeasureName[]): TestedClaim[] {
  const last = data.axes.tap!.length - 1;
  const tap = tapsOf(data)[last]!;
  const changes = (name: MeasureName) => ({
    what: `${titleOf(name)} at the last checkpoint minus that at the first`,
    none: 0,
    measure: fromCurves(data, [measureOf(data, name, last)], (curve) => change(curve!)),
  });
  const half = `At ${tap}, half of the change of ln effective rank is reached`;
  const ofRank: TestedClaim[] = [
    {
      id: "steeper",
      on: "steep",
      claim: `Training makes the spectrum at ${tap} steeper: its effective rank falls from the first checkpoint to the last.`,
      effect: { ...changes("effective_rank"), sign: -1 },
      note: "It would be contradicted if the rank rose; if the control falls as much, depth and the size of the weights suffice for it.",
    },
    {
      id: "after-accuracy",
      on: "steep",
      claim: `${half} later than half of the gain of accuracy.`,
      effect: {
        ...{ what: "Lag behind accuracy in log₂ steps", sign: 1, none: 0 },
        measure: lagBehind(data, last, accuracyOf(data)),
      },
      otherwise:
        "The accuracy is not known, or the change of one of both from the first checkpoint to the last cannot be told from 0.",
      note: "It would be contradicted if spectra changed before the network classifies.",
    },
  ];
  const ofMemory: TestedClaim = {
    id: "before-memorisation",
    on: "steep",
    claim: `${half} earlier than half of the memorisation of wrong labels.`,
    effect: {
      ...{ what: "Lag behind memorisation in log₂ steps", sign: -1, none: 0 },
      measure: lagBehind(data, last, ofNetwork(data, "memorised")),
    },
    otherwise: "The change of one of both from the first checkpoint to the last cannot be told from 0.",
    note: "It would be contradicted if spectra changed only while wrong labels are learned by heart.",
  };
  return [
    ...ofRank,
    ...(isKnown(data, "memorised") ? [ofMemory] : []),
    ...pictureClaims.flatMap(({ of, sign, claim, ...rest }): TestedClaim[] =>
      names.includes(of) ? [{ ...rest, claim: claim(tap), effect: { ...changes(of), sign } }] : [],
    ),
  ];
}

/** Claims that a measure of pictures changes in training. */
const pictureClaims = [
  {
    id: "more-local",
    of: "locality",
    on: "local",
    sign: -1,
    claim: (tap: string) =>
      `Training makes vectors of large σ at ${tap} more local: the correlation of σ with area falls.`,
    note: "It would be contradicted if the correlation rose.",
  },
  {
    id: "shrinks-more",
    of: "noise",
    on: "shrinks",
    sign: -1,
    claim: (tap: string) => `Training makes Σσ² at ${tap} shrink more with noise.`,
    note: "It would be contradicted if Σσ² shrank less with noise after training than before.",
  },
  {
    id: "more-tangents",
    of: "tangents",
    on: "manifold",
    sign: 1,
    claim: (tap: string) => `Training brings tangents of transformations into the span of the first vectors of ${tap}.`,
    note: "It would be contradicted if their share fell.",
  },
] as const;
