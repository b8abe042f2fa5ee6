import type { Linearization } from "../autodiff/index.ts";
import { PushforwardError } from "../base/index.ts";
import type { Node } from "../onnx/index.ts";

type Values = ReadonlyMap<string, Float32Array>;

/** What is known of the pass through a network at one point. */
interface Pass {
  /** In graph order, from the network's input to the target. */
  readonly nodes: readonly Node[];
  /** What the nodes give, by tensor. */
  readonly values: Values;
  /** What the derivative keeps, and which node needs it. */
  readonly kept: Values;
  readonly keptBy: Linearization["kept"];
}

/**
 * Names the first node at which the pass leaves the finite numbers: its value is NaN, or its derivative is NaN or infinite. An
 * infinite value alone counts only where nothing else is found, because masks may be infinite.
 *
 * @returns the error `not-finite`
 */
export function whereNotFinite({ nodes, values, kept, keptBy }: Pass): PushforwardError {
  let overflow: PushforwardError | undefined;
  for (const node of nodes) {
    const own = keptBy.filter(({ of, name }) =>
      of === undefined ? node.outputs.includes(name) : of === node.outputs[0],
    );
    const isSteep = own.some(({ name }) => kept.get(name)?.some((value) => !Number.isFinite(value)));
    for (const tensor of node.outputs) {
      const entries = values.get(tensor) ?? new Float32Array(0);
      const nans = count(entries, Number.isNaN);
      if (nans > 0) return notFinite(node, `${nans} of the ${entries.length} entries of its value are NaN`);
      const infinite = count(entries, (value) => !Number.isFinite(value));
      if (infinite === 0) continue;
      overflow ??= notFinite(node, `${infinite} of the ${entries.length} entries of its value are infinite in float32`);
      if (isSteep) return overflow;
    }
    if (isSteep) return notFinite(node, "its value is finite, and its derivative is not");
  }
  return overflow ?? tooLarge();
}

const count = (values: Float32Array, is: (value: number) => boolean): number =>
  values.reduce((sum, value) => sum + (is(value) ? 1 : 0), 0);

const fix = "Leave this input out, or change the model so that its value and derivative there are finite.";

function notFinite({ name, op, outputs }: Node, what: string): PushforwardError {
  return new PushforwardError("not-finite", {
    what: `There is no Jacobian at this input. The first node that is not finite is ${op}, which gives "${outputs[0]}": ${what}.`,
    where: { ...(name === "" ? {} : { node: name }), op },
    fix,
  });
}

/** Where no value of the pass is to blame. */
function tooLarge(): PushforwardError {
  return new PushforwardError("not-finite", {
    what: "A product with J or Jᵀ at this input is larger than float32 holds, while all values of the network are finite.",
    fix,
  });
}
