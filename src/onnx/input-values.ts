import { formatShape, PushforwardError, type Shape, sameShape, sizeOf, withoutBatch } from "../base/index.ts";
import { zeros } from "./build.ts";
import type { InputValue, Tensor, TensorType } from "./model.ts";

/** The shape that comes with a value; `undefined` for a number, and for the entries alone. */
export const shapeOfValue = (value: InputValue | Tensor): Shape | undefined =>
  typeof value === "object" && "shape" in value ? value.shape : undefined;

/**
 * The tensor of an input from its value: a number for every entry, or an array. The array may leave out a batch axis of 1.
 *
 * @throws PushforwardError `shape-mismatch` if the shape differs, or an entry is not of the input's type
 */
export function tensorOf(name: string, { type, shape }: TensorType, value: InputValue): Tensor {
  if (typeof value === "number")
    return { type, shape, data: inType(name, type, new Float64Array(sizeOf(shape)).fill(value)) };
  const given = shapeOfValue(value);
  const data = "shape" in value ? value.data : value;
  const fits = given === undefined || [shape, withoutBatch(shape)].some((own) => sameShape(given, own));
  if (data.length !== sizeOf(shape) || !fits) {
    throw new PushforwardError("shape-mismatch", {
      what: `The value of input "${name}" is ${given ? formatShape(given) : `${data.length} numbers`}, but the network takes ${formatShape(shape)}.`,
      where: { tap: name },
      fix: "Give an array of this shape. A preprocessing can produce it from a picture; a number stands for the same value everywhere.",
    });
  }
  return { type, shape, data: inType(name, type, data) };
}

type Numbers = Exclude<InputValue, number | { shape: Shape }>;

/** Numbers as entries of a type: rounded to float32, and unchanged in any other type. */
function inType(name: string, type: Tensor["type"], numbers: Numbers): Numbers {
  if (type === "float32")
    return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers as ArrayLike<number>, Number);
  const typed = zeros(type, [numbers.length]).data;
  if (!ArrayBuffer.isView(typed)) {
    throw new PushforwardError("shape-mismatch", {
      what: `Input "${name}" holds texts, and no value can be given for it.`,
      where: { tap: name },
      fix: "Fix the input as an initializer and export again.",
    });
  }
  const isBig = typed instanceof BigInt64Array || typed instanceof BigUint64Array;
  for (const [i, value] of numbers.entries()) {
    if (isBig && (typeof value === "bigint" || Number.isSafeInteger(value))) typed[i] = BigInt(value);
    else if (!isBig) typed[i] = Number(value);
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals a number of the same value
    if (typed[i]! == value && (type !== "bool" || typed[i]! <= 1)) continue;
    throw new PushforwardError("shape-mismatch", {
      what: `Input "${name}" holds ${type}, and entry ${i} of the array is ${value}.`,
      where: { tap: name },
      fix: `Give numbers of type ${type}; for a picture, a preprocessing that leaves its levels as they are.`,
    });
  }
  return typed;
}
