import { formatShape, PushforwardError, type Shape, sameShape } from "../../base/index.ts";
import { isChannelsLast, type NumberArray } from "../../images/index.ts";
import { type DataType, tensorOf } from "../../onnx/index.ts";

/** The input that pictures go to. `shape` may leave out a batch axis of 1. */
interface Taker {
  readonly name: string;
  /** Its type in the file. */
  readonly type: DataType;
  readonly shape: Shape;
}

/**
 * Checks that an array can be the input of a network.
 *
 * @throws PushforwardError `shape-mismatch` with what to do; `usage` for numbers that are not of the input's type
 */
export function checkFits(given: NumberArray, input: Taker, file: string): void {
  checkShape(file, given.shape, input.shape);
  checkEntries(file, input.name, input.type, given.data);
}

/** Checks that numbers are of the type that an input has in the file of the network, if that is none of floats. */
function checkEntries(file: string, name: string, type: DataType, data: Float32Array): void {
  if (type.includes("float")) return;
  try {
    tensorOf(name, { type, shape: [data.length] }, data);
  } catch (cause) {
    throw cause instanceof PushforwardError ? cause.at({ file }) : cause;
  }
}

function checkShape(file: string, given: Shape, wanted: Shape): void {
  const plain = given.filter((extent, axis) => axis >= given.length - wanted.length || extent !== 1);
  if (sameShape(plain, wanted)) return;
  const axes = exchange(plain, wanted);
  const layout = axes === undefined ? "" : `, with its channels ${isChannelsLast(wanted) ? "last" : "first"}`;
  throw new PushforwardError("shape-mismatch", {
    what: `The input is ${formatShape(given)}, but the network takes ${formatShape(wanted)}${layout}.`,
    where: { file },
    fix:
      axes === undefined
        ? "Give an array of the network's input shape, or choose a preprocessing that produces it."
        : `Transpose the array, without its batch axis, by numpy.transpose(array, (${axes.join(", ")})), and give the result.`,
  });
}

/** The axes for `numpy.transpose` that move the channels to the other end, if that gives the wanted shape. */
function exchange(given: Shape, wanted: Shape): readonly number[] | undefined {
  const axes = isChannelsLast(wanted) ? [1, 2, 0] : [2, 0, 1];
  const isExchange = given.length === 3 && (isChannelsLast(wanted) || isChannelsLast(given));
  const moved = axes.map((axis) => given[axis]!);
  return isExchange && sameShape(moved, wanted) ? axes : undefined;
}
