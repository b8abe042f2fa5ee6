import { sizeOf } from "../../base/index.ts";
import type { Writer } from "./writer.ts";

/** One Fourier transform along an axis of a tensor whose last axis has the real part alone, or both parts. */
export interface FourierTransform {
  readonly shape: readonly number[];
  /** Counted from the left. */
  readonly axis: number;
  /** The number of samples; those beyond the tensor are 0. */
  readonly length: number;
  readonly inverse: boolean;
  /** Half of a spectrum that is symmetric, because its signal is real. */
  readonly onesided: boolean;
}

/** The most entries of the matrix of one step. */
const LARGEST_MATRIX = 2 ** 20;
/** The most entries if the number of samples has no factors. */
const LARGEST_PRIME = 2 ** 26;

/**
 * The discrete Fourier transform, as products with matrices. A transform of many samples is two of few samples with factors between
 * them.
 *
 * @throws Error for a length whose prime factors are too large
 * @see Cooley and Tukey 1965, "An algorithm for the machine calculation of complex Fourier series"
 */
export function fourierTransform(write: Writer, x: string, of: FourierTransform): string {
  const { shape, axis, length, inverse, onesided } = of;
  const rest = [...shape.keys()].filter((one) => one !== axis && one !== shape.length - 1);
  const parts = shape.at(-1)!;
  const samples = Math.min(shape[axis]!, onesided && inverse ? bins(length) : length);
  const own = samples === shape[axis] ? x : write.slice(x, axis, 0, samples);
  const rows = sizeOf(rest.map((one) => shape[one]!));
  const last = write.reshape(write.transpose(own, [...rest, axis, shape.length - 1]), [rows, samples * parts]);
  const [result, count, made] = transformed(write, last, { ...of, samples, parts, rows });
  const apart = write.reshape(result, [...rest.map((one) => shape[one]!), count, made]);
  const back = shape.map((_, one) => (one === axis ? rest.length : one === shape.length - 1 ? one : rest.indexOf(one)));
  return write.transpose(apart, back);
}

/** How many numbers the onesided spectrum of so many real samples has. */
const bins = (length: number): number => Math.floor(length / 2) + 1;

interface Rows extends FourierTransform {
  readonly rows: number;
  readonly samples: number;
  readonly parts: number;
}

/** The transform of each row [samples · parts]: its name, how many numbers it has, and their parts. */
function transformed(write: Writer, x: string, of: Rows): [name: string, count: number, parts: number] {
  const { length, inverse, onesided, rows, samples, parts } = of;
  if (onesided && inverse) {
    return [write.op("MatMul", [x, write.floats([samples * 2, length], realFromHalf(samples, length))]), length, 1];
  }
  const count = onesided ? bins(length) : length;
  const isShort = samples * parts * count * 2 <= LARGEST_MATRIX;
  if (isShort || (factorOf(length) === 1 && samples * parts * count * 2 <= LARGEST_PRIME)) {
    return [write.op("MatMul", [x, write.floats([samples * parts, count * 2], matrixOf(of, count))]), count, 2];
  }
  const apart = write.reshape(x, [rows, samples, parts]);
  const pads = [0, 0, 0, 0, length - samples, 2 - parts];
  const whole = pads.some((pad) => pad > 0) ? write.op("Pad", [apart, write.ints(pads)]) : apart;
  const spectrum = inParts(write, write.reshape(whole, [rows, length * 2]), rows, length, inverse);
  const scaled = inverse ? write.affine(1 / length, spectrum, 0) : spectrum;
  return [write.slice(write.reshape(scaled, [rows, length, 2]), 1, 0, count), count, 2];
}

/** The transform of complex rows [rows, n · 2], not divided by n. */
function inParts(write: Writer, x: string, rows: number, n: number, inverse: boolean): string {
  const of = { samples: n, parts: 2, length: n, inverse };
  const first = factorOf(n);
  if (n * n * 4 <= LARGEST_MATRIX || (first === 1 && n * n * 4 <= LARGEST_PRIME)) {
    return write.op("MatMul", [x, write.floats([n * 2, n * 2], matrixOf(of, n, 1))]);
  }
  if (first === 1) throw new Error(`a transform whose length has the prime factor ${n} is too large`);
  const second = n / first;
  // x[second · t + s] → [rows, s, t] → [rows, s, k] → [rows, k, s] → [rows, k, l] → X[k + first · l]
  const swapped = (y: string, a: number, b: number) => write.transpose(write.reshape(y, [rows, a, b, 2]), [0, 2, 1, 3]);
  const inner = inParts(
    write,
    write.reshape(swapped(x, first, second), [rows * second, first * 2]),
    rows * second,
    first,
    inverse,
  );
  const turned = turn(write, write.reshape(inner, [rows, second, first, 2]), second, first, inverse);
  const outer = inParts(
    write,
    write.reshape(swapped(turned, second, first), [rows * first, second * 2]),
    rows * first,
    second,
    inverse,
  );
  return write.reshape(swapped(outer, first, second), [rows, n * 2]);
}

/** The complex product of z [rows, s, k, 2] with e^(∓2πi·sk/n). */
function turn(write: Writer, z: string, s: number, k: number, inverse: boolean): string {
  const angles = Array.from({ length: s * k }, (_, i) => (2 * Math.PI * Math.floor(i / k) * (i % k)) / (s * k));
  const sign = inverse ? -1 : 1;
  const cosines = write.floats([s, k, 1], angles.map(Math.cos));
  const sines = write.floats(
    [s, k, 2],
    angles.flatMap((angle) => [sign * Math.sin(angle), -sign * Math.sin(angle)]),
  );
  return write.add(write.mul(z, cosines), write.mul(write.gather(z, write.ints([1, 0]), 3), sines));
}

/** The factor nearest to √n from below. */
function factorOf(n: number): number {
  for (let factor = Math.floor(Math.sqrt(n)); factor > 1; factor--) if (n % factor === 0) return factor;
  return 1;
}

/** [samples · parts, count · 2]: what a part of a sample adds to the real and the imaginary part of each number. */
function matrixOf(
  { samples, parts, length, inverse }: Pick<Rows, "samples" | "parts" | "length" | "inverse">,
  count: number,
  scale = inverse ? 1 / length : 1,
): Float32Array {
  const matrix = new Float32Array(samples * parts * count * 2);
  const sign = inverse ? 1 : -1;
  for (let t = 0; t < samples; t++) {
    for (let k = 0; k < count; k++) {
      const angle = (2 * Math.PI * ((t * k) % length)) / length;
      const [re, im] = [scale * Math.cos(angle), sign * scale * Math.sin(angle)];
      for (let part = 0; part < parts; part++) {
        const at = ((t * parts + part) * count + k) * 2;
        matrix[at] = part === 0 ? re : -im;
        matrix[at + 1] = part === 0 ? im : re;
      }
    }
  }
  return matrix;
}

/** [samples · 2, length]: a real signal from the first half of its spectrum; every number but the first and the middle stands for two. */
function realFromHalf(samples: number, length: number): Float32Array {
  const matrix = new Float32Array(samples * 2 * length);
  for (let k = 0; k < samples; k++) {
    const weight = (k === 0 || 2 * k === length ? 1 : 2) / length;
    for (let t = 0; t < length; t++) {
      const angle = (2 * Math.PI * ((t * k) % length)) / length;
      matrix[2 * k * length + t] = weight * Math.cos(angle);
      matrix[(2 * k + 1) * length + t] = k === 0 || 2 * k === length ? 0 : -weight * Math.sin(angle);
    }
  }
  return matrix;
}
