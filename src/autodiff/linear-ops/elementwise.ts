import { broadcastShapes, sameShape, sizeOf } from "../../base/index.ts";
import type { Definition } from "../program.ts";
import { broadcastIndex } from "./indexing.ts";

export const add: Definition<"add"> = {
  isEntrywise: true,
  shape(inputs) {
    const first = inputs[0]!;
    if (!inputs.every((shape) => sameShape(shape, first))) {
      throw new Error(`terms differ in shape: ${inputs.map((shape) => `[${shape}]`).join(", ")}`);
    }
    return first;
  },
  transpose: (_l, ct, { inputs }) => inputs.map(() => ct),
  emit(e, { inputs }) {
    const terms = inputs.map((_, i) => e.input(i));
    if (e.isNegated(0)) return e.node("Sub", [terms[1]!, terms[0]!]);
    if (e.isNegated(1)) return e.node("Sub", terms);
    // One after the other: ONNX Runtime's Sum uses one thread, and new memory for each term.
    return terms.reduce((sum, term) => e.node("Add", [sum, term]));
  },
  evaluate(_step, inputs) {
    return inputs[0]!.map((_, i) => inputs.reduce((total, x) => total + x[i]!, 0));
  },
};

export const multiply: Definition<"multiply"> = {
  isEntrywise: true,
  shape: ([x]) => x!,
  transpose: (l, ct, { attributes }) => [l.multiply(attributes.factor, ct)],
  emit: (e, { attributes }) => e.node("Mul", [e.input(), e.scalar(attributes.factor)]),
  evaluate: ({ attributes }, [x]) => x!.map((value) => attributes.factor * value),
};

export const scale: Definition<"scale"> = {
  isEntrywise: true,
  shape([x], [operand]) {
    const both = broadcastShapes(x!, operand!);
    if (both === undefined || !sameShape(both, x!)) throw new Error(`[${operand}] does not broadcast to [${x}]`);
    return x!;
  },
  transpose: (l, ct, { operands }) => [l.scale(operands[0]!, ct)],
  emit: (e) => e.node("Mul", [e.input(), e.operand()]),
  evaluate({ operands, output }, [x], [factor]) {
    const at = broadcastIndex(operands[0]!.shape, output.shape);
    const y = new Float64Array(sizeOf(output.shape));
    for (let i = 0; i < y.length; i++) y[i] = x![i]! * factor![at[i]!]!;
    return y;
  },
};
