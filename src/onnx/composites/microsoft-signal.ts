import { int } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { fourierTransform } from "./fourier.ts";
import { refuse } from "./microsoft-attention.ts";
import { type Writer, writerOf } from "./writer.ts";

/** The real and the imaginary parts of a tensor whose last axis holds both. */
const partsOf = (write: Writer, x: string): readonly [string, string] => [
  write.slice(x, -1, 0, 1),
  write.slice(x, -1, 1, 2),
];

/** The product of complex numbers, of which the second ones may be conjugated. */
const complexMul =
  (isConjugated: boolean): OperatorRewriting["rewrite"] =>
  (node, to) => {
    const write = writerOf(to);
    const [[a, b], [c, d]] = node.inputs.map((name) => partsOf(write, name)) as [[string, string], [string, string]];
    const [ac, bd, ad, bc] = [write.mul(a, c), write.mul(b, d), write.mul(a, d), write.mul(b, c)];
    const real = isConjugated ? write.add(ac, bd) : write.sub(ac, bd);
    const imaginary = isConjugated ? write.sub(bc, ad) : write.add(ad, bc);
    return standard(node, "Concat", [real, imaginary], { axis: int(-1) });
  };

/** Fourier transforms of real signals, over the last axes; of these, the last one is half. */
const rfft =
  (inverse: boolean): OperatorRewriting["rewrite"] =>
  (node, to) => {
    const [x = ""] = node.inputs;
    const shape = to.shape(x);
    if (shape === undefined) return node;
    requirePlain(node, to);
    const write = writerOf(to);
    const axes = to.attributes.int("signal_ndim", 1);
    const rank = inverse ? shape.length - 1 : shape.length;
    const last = rank - 1;
    const others = Array.from({ length: axes - 1 }, (_, i) => rank - axes + i);
    let [y, now] = inverse ? [x, shape] : [write.reshape(x, [...shape, 1]), [...shape, 1]];
    const transform = (axis: number, onesided: boolean) => {
      const length = inverse && onesided ? 2 * (now[axis]! - 1) : now[axis]!;
      y = fourierTransform(write, y, { shape: now, axis, length, inverse, onesided });
      const half = Math.floor(length / 2) + 1;
      now = now.map((extent, i) => (i === axis ? (onesided && !inverse ? half : length) : extent));
      now = [...now.slice(0, -1), inverse && onesided ? 1 : 2];
    };
    if (!inverse) transform(last, true);
    for (const axis of others) transform(axis, false);
    if (!inverse) return standard(node, "Identity", [y]);
    transform(last, true);
    return standard(node, "Reshape", [y, write.ints(now.slice(0, -1))]);
  };

function requirePlain(node: Node, to: Rewrite): void {
  if (to.attributes.int("normalized", 0) !== 0) throw refuse(node, "The attribute normalized");
  if (to.attributes.int("onesided", 1) === 0) throw refuse(node, "A spectrum of two sides");
}

const TRANSFORM = ["normalized", "onesided", "signal_ndim"] as const;

/** Complex numbers and Fourier transforms of ONNX Runtime. */
export const microsoftSignal: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:ComplexMul": { attributes: [], rewrite: complexMul(false) },
  "com.microsoft:ComplexMulConj": { attributes: [], rewrite: complexMul(true) },
  "com.microsoft:Irfft": { attributes: TRANSFORM, looksAt: [0], rewrite: rfft(true) },
  "com.microsoft:Rfft": { attributes: TRANSFORM, looksAt: [0], rewrite: rfft(false) },
};
