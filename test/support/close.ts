import { formatShape, sameShape } from "../../src/base/index.ts";
import { type Tensor, toNumbers } from "../../src/onnx/index.ts";

/** How far two numbers may differ: `atol + rtol · |want|`. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** What the format's own test runner allows. */
export const onnxTolerance: Tolerance = { rtol: 1e-3, atol: 1e-7 };

/** `undefined` where two tensors agree in type, shape and every entry; else what differs most, and by how much. */
export function mismatch(got: Tensor, want: Tensor, { rtol, atol }: Tolerance = onnxTolerance): string | undefined {
  if (got.type !== want.type || !sameShape(got.shape, want.shape)) {
    return `${got.type} of shape ${formatShape(got.shape)}, not ${want.type} of shape ${formatShape(want.shape)}`;
  }
  if (got.type === "string") return String(got.data) === String(want.data) ? undefined : "other strings";
  const theirs = toNumbers(want);
  const ours = toNumbers(got);
  let worst = { ratio: 1, index: -1 };
  for (const [index, expected] of theirs.entries()) {
    const found = ours[index] as number;
    if (Object.is(found, expected) || found === expected) continue;
    const ratio = Math.abs(found - expected) / (atol + rtol * Math.abs(expected));
    if (!(ratio <= worst.ratio)) worst = { ratio, index };
  }
  if (worst.index < 0) return undefined;
  const { index, ratio } = worst;
  return `entry ${index} is ${ours[index]}, not ${theirs[index]}: ${ratio.toPrecision(3)} times the tolerance`;
}
