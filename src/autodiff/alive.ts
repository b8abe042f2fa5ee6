import { int } from "../onnx/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearVar, Operand, Tangent } from "./program.ts";

/**
 * Finds which entries of a tangent can be non-zero, as a condition of the tangent's shape, from the operations that computed it.
 * After a ReLU, for example, they are those of active neurons. `undefined` if the operations do not determine this.
 *
 * `passesAt` gives the entries of a factor that are not zero by structure; `undefined` means all entries.
 */
export function aliveEntries(
  primal: PrimalBuilder,
  makerOf: (x: LinearVar) => AnyStep | undefined,
  passesAt: (factor: Operand) => Value | undefined,
): (tangent: Tangent) => Value | undefined {
  const known = new Map<number, Value | undefined>();

  const of = (tangent: Tangent): Value | undefined => {
    const step = tangent && makerOf(tangent);
    if (step === undefined) return undefined;
    if (!known.has(step.output.id)) known.set(step.output.id, after(step));
    return known.get(step.output.id);
  };

  const after = (step: AnyStep): Value | undefined => {
    const { shape } = step.output;
    switch (step.op) {
      case "scale":
        return scaled(step);
      case "multiply":
        return of(step.inputs[0]);
      case "broadcast":
        return then(of(step.inputs[0]), (alive) => primal.expand(alive, shape));
      case "slice": {
        const { axis, start, size } = step.attributes;
        return then(of(step.inputs[0]), (alive) => primal.sliceAxis(alive, axis, start, size));
      }
      case "reshape":
        return then(of(step.inputs[0]), (alive) => primal.reshape(alive, shape));
      case "transpose":
        return then(of(step.inputs[0]), (alive) => primal.transpose(alive, step.attributes.perm));
      case "gather": {
        const indices = primal.valueOf(step.operands[0]!);
        const axis = int(step.attributes.axis);
        return then(of(step.inputs[0]), (alive) => primal.op("Gather", [alive, indices], shape, { axis }, "bool"));
      }
      case "concat": {
        const parts = step.inputs.map(of);
        if (parts.every((part) => part === undefined)) return undefined;
        const yes = primal.constant({ type: "bool", shape: [], data: Uint8Array.of(1) });
        const whole = parts.map((part, i) => part ?? primal.expand(yes, step.inputs[i]!.shape));
        return primal.op("Concat", whole, shape, { axis: int(step.attributes.axis) }, "bool");
      }
      default:
        return undefined;
    }
  };

  const scaled = ({ inputs: [x], operands, output }: AnyStep): Value | undefined => {
    const factor = passesAt(operands[0]!);
    const before = of(x);
    if (factor === undefined) return before;
    const passes = primal.expand(factor, output.shape);
    return before === undefined ? passes : primal.and(passes, before);
  };

  return of;
}

const then = (alive: Value | undefined, make: (alive: Value) => Value) => alive && make(alive);
