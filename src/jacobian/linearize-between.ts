import { type Linearization, linearize, nodesBetween } from "../autodiff/index.ts";
import { type Place, PushforwardError } from "../base/index.ts";
import type { Evaluate, Model } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/** Two taps of a model between which to differentiate it. */
export interface Ends {
  readonly from: Tap;
  readonly to: Tap;
  readonly apart?: boolean;
}

/** The tensors of two taps, and the entries of them that the taps consist of. */
export const endsOf = (from: Tap, to: Tap) => ({
  sources: [from.tensor],
  targets: [to.tensor],
  selected: { sources: [from.part], targets: [to.part] },
});

/**
 * The linearization of a model between two taps.
 *
 * @param place where errors say that they are
 * @throws PushforwardError `op-unsupported` naming all nodes without a rule; `tap-unknown` if `to` does not follow `from`
 */
export async function linearizeBetween(
  model: Model,
  { from, to, apart = false }: Ends,
  evaluate: Evaluate,
  place: Place,
): Promise<Linearization> {
  const options = { ...endsOf(from, to), apart };
  const linearization = await linearize(model, options, evaluate).catch((cause: unknown) => {
    throw cause instanceof PushforwardError ? cause.at({ ...place, tap: to.name }) : cause;
  });
  if (linearization.program.targets[0] !== undefined) return linearization;
  const isBehind = nodesBetween(model, { sources: [from.tensor], targets: [to.tensor] }).length > 0;
  throw new PushforwardError("tap-unknown", {
    what: isBehind
      ? `"${to.name}" does not move with "${from.name}": the derivative is zero everywhere, like that of a rounding, or the second one of a network that is linear in pieces.`
      : `"${to.name}" does not depend on "${from.name}": no path leads from one to the other.`,
    where: { ...place, tap: to.name },
    fix: isBehind
      ? "Choose another source or target."
      : "Choose a target after the source; `pushforward inspect` lists the taps in order.",
  });
}
