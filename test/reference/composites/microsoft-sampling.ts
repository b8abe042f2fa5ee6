import { type Array64, array, at, build, type ReferenceOps } from "../tensor.ts";
import { sampling } from "./sampling.ts";

/** The Fourier transform of complex numbers along an axis, the last axis being that of the parts. */
function transformed(x: Array64, axis: number, sign: number): Array64 {
  const length = x.shape[axis]!;
  return build(x.shape, (index) => {
    let sum = 0;
    for (let t = 0; t < length; t++) {
      const angle = (sign * 2 * Math.PI * t * index[axis]!) / length;
      const part = (one: number) => at(x, [...index.slice(0, axis), t, ...index.slice(axis + 1, -1), one]);
      const [re, im] = [part(0), part(1)];
      sum +=
        index.at(-1) === 0 ? re * Math.cos(angle) - im * Math.sin(angle) : re * Math.sin(angle) + im * Math.cos(angle);
    }
    return sum;
  });
}

/** The whole of a spectrum of which the last axis is half: what is missing is the conjugate of what lies opposite. */
function whole(x: Array64, axes: readonly number[]): Array64 {
  const last = axes.at(-1)!;
  const length = 2 * (x.shape[last]! - 1);
  const shape = x.shape.map((extent, axis) => (axis === last ? length : extent));
  return build(shape, (index) => {
    if (index[last]! < x.shape[last]!) return at(x, index);
    const opposite = index.map((i, axis) => (axes.includes(axis) ? (shape[axis]! - i) % shape[axis]! : i));
    return at(x, opposite) * (index.at(-1) === 0 ? 1 : -1);
  });
}

const complexMul =
  (sign: number): ReferenceOps[string] =>
  ([a, b]) => {
    const shape = a!.shape;
    const second = (index: readonly number[], part: number) => {
      const own = index.slice(index.length - b!.shape.length).map((i, axis) => (b!.shape[axis] === 1 ? 0 : i));
      return at(b!, [...own.slice(0, -1), part]);
    };
    return build(shape, (index) => {
      const [re, im] = [0, 1].map((part) => at(a!, [...index.slice(0, -1), part])) as [number, number];
      const [c, d] = [second(index, 0), sign * second(index, 1)];
      return index.at(-1) === 0 ? re * c - im * d : re * d + im * c;
    });
  };

/** Forms of operators, and parts of pictures and signals, of ONNX Runtime by its description of them. */
export const microsoftSampling: ReferenceOps = {
  "com.microsoft:ComplexMul": complexMul(1)!,
  "com.microsoft:ComplexMulConj": complexMul(-1)!,
  "com.microsoft:CropAndResize"([x, rois, batches, size], read) {
    const [, , ...extents] = x!.shape;
    const [height = 1, width = 1] = [...size!.data];
    return build([rois!.shape[0]!, x!.shape[1]!, height, width], ([crop = 0, c = 0, ...index]) => {
      const places = index.map((i, d) => {
        const [first, last] = [at(rois!, [crop, d]), at(rois!, [crop, d + 2])].map((end) => end * (extents[d]! - 1));
        const count = [height, width][d]!;
        return count === 1 ? (first! + last!) / 2 : first! + ((last! - first!) * i) / (count - 1);
      });
      if (places.some((place, d) => place < 0 || place > extents[d]! - 1)) return read.float("extrapolation_value", 0);
      const batch = batches!.data[crop]!;
      const entry = (row: number, column: number) => at(x!, [batch, c, row, column]);
      const [y = 0, z = 0] = places;
      if (read.text("mode", "bilinear") === "nearest") return entry(Math.floor(y + 0.5), Math.floor(z + 0.5));
      const line = (row: number) => {
        const [left, right] = [entry(row, Math.floor(z)), entry(row, Math.ceil(z))];
        return left + (right - left) * (z - Math.floor(z));
      };
      const [top, bottom] = [line(Math.floor(y)), line(Math.ceil(y))];
      return top + (bottom - top) * (y - Math.floor(y));
    });
  },
  "com.microsoft:GridSample": sampling.GridSample!,
  "com.microsoft:Irfft"([x], read) {
    const count = read.int("signal_ndim", 1);
    const axes = Array.from({ length: count }, (_, i) => x!.shape.length - 1 - count + i);
    const spectrum = whole(x!, axes);
    const signal = axes.reduce((all, axis) => transformed(all, axis, 1), spectrum);
    const shape = signal.shape.slice(0, -1);
    const samples = axes.reduce((product, axis) => product * shape[axis]!, 1);
    return build(shape, (index) => at(signal, [...index, 0]) / samples);
  },
  "com.microsoft:Range"([start, limit, delta]) {
    const step = delta?.data[0] ?? 1;
    const count = Math.max(0, Math.ceil((limit!.data[0]! - start!.data[0]!) / step));
    return array(
      [count],
      Array.from({ length: count }, (_, i) => start!.data[0]! + i * step),
    );
  },
  "com.microsoft:Rfft"([x], read) {
    const count = read.int("signal_ndim", 1);
    const axes = Array.from({ length: count }, (_, i) => x!.shape.length - count + i);
    const complex = build([...x!.shape, 2], (index) => (index.at(-1) === 0 ? at(x!, index.slice(0, -1)) : 0));
    const spectrum = axes.reduce((all, axis) => transformed(all, axis, -1), complex);
    const last = x!.shape.length - 1;
    const shape = spectrum.shape.map((extent, axis) => (axis === last ? Math.floor(extent / 2) + 1 : extent));
    return build(shape, (index) => at(spectrum, index));
  },
  "com.microsoft:SampleOp": ([x]) => x!,
  "com.microsoft:TorchEmbedding": ([weight, indices]) => {
    const width = weight!.shape[1]!;
    return build([...indices!.shape, width], (index) => at(weight!, [at(indices!, index.slice(0, -1)), index.at(-1)!]));
  },
  "com.microsoft:UnfoldTensor"([x], read) {
    const [dim, size, step] = [read.int("dim", -1), read.int("size", 1), read.int("step", 1)];
    const axis = dim < 0 ? dim + x!.shape.length : dim;
    const count = Math.floor((x!.shape[axis]! - size) / step) + 1;
    const shape = [...x!.shape.map((extent, d) => (d === axis ? count : extent)), size];
    return build(shape, (index) =>
      at(
        x!,
        index.slice(0, -1).map((i, d) => (d === axis ? i * step + index.at(-1)! : i)),
      ),
    );
  },
  "com.microsoft:Unique"([x]) {
    const values = [...new Set(x!.data)];
    const places = [...x!.data].map((value) => values.indexOf(value));
    const counts = values.map((value) => x!.data.filter((other) => other === value).length);
    return [array([values.length], values), array(x!.shape, places, "int64"), array([values.length], counts, "int64")];
  },
};
