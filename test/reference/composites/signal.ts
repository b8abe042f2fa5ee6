import { type Array64, array, at, build, fibres, fromLeft, type ReferenceOps } from "../tensor.ts";

/** Σ over samples of x · e^(∓2πi·kt/n), by its definition; a real tensor has one part, a complex one two. */
function transformed(x: Array64, axis: number, length: number, inverse: boolean, onesided: boolean): Array64 {
  const isReal = onesided && inverse;
  const half = Math.floor(length / 2) + 1;
  const shape = x.shape.with(axis, onesided && !inverse ? half : length).with(-1, isReal ? 1 : 2);
  const sign = inverse ? 1 : -1;
  const part = (index: readonly number[], t: number, p: number): number => {
    const place = index.with(axis, t).with(-1, p);
    return t < x.shape[axis]! && p < x.shape.at(-1)! ? at(x, place) : 0;
  };
  return build(shape, (index) => {
    const k = index[axis]!;
    let total = 0;
    for (let t = 0; t < length; t++) {
      // The other half of the spectrum of a real signal is conjugate.
      const isMirrored = isReal && t >= half;
      const from = isMirrored ? length - t : t;
      const [re, im] = [part(index, from, 0), part(index, from, 1) * (isMirrored ? -1 : 1)];
      const angle = (sign * 2 * Math.PI * k * t) / length;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      total += index.at(-1) === 0 ? re * cos - im * sin : re * sin + im * cos;
    }
    return inverse ? total / length : total;
  });
}

/** Fourier transforms and products along an axis. */
export const signal: ReferenceOps = {
  DFT: ([x, lengths, axes], attributes) => {
    const axis = fromLeft(attributes.has("axis") ? attributes.int("axis", 1) : (axes?.data[0] ?? -2), x!.shape.length);
    const [inverse, onesided] = [attributes.int("inverse", 0) !== 0, attributes.int("onesided", 0) !== 0];
    const own = inverse && onesided ? 2 * (x!.shape[axis]! - 1) : x!.shape[axis]!;
    return transformed(x!, axis, lengths?.data[0] ?? own, inverse, onesided);
  },
  STFT: ([x, step, window, lengths], attributes) => {
    const [batch, samples, parts] = x!.shape as [number, number, number];
    const length = lengths?.data[0] ?? window?.data.length ?? samples;
    const frames = Math.floor((samples - length) / step!.data[0]!) + 1;
    const cut = build(
      [batch, frames, length, parts],
      ([b, f, t, p]) => at(x!, [b!, f! * step!.data[0]! + t!, p!]) * (window?.data[t!] ?? 1),
    );
    return transformed(cut, 2, length, false, attributes.int("onesided", 1) !== 0);
  },
  CumProd: ([x, axes], attributes) => {
    const axis = fromLeft(axes!.data[0]!, x!.shape.length);
    const y = new Float64Array(x!.data.length);
    for (const fibre of fibres(x!.shape, [axis])) {
      const order = attributes.int("reverse", 0) !== 0 ? fibre.toReversed() : fibre;
      let product = 1;
      for (const place of order) {
        if (attributes.int("exclusive", 0) !== 0) y[place] = product;
        product *= x!.data[place]!;
        if (attributes.int("exclusive", 0) === 0) y[place] = product;
      }
    }
    return array(x!.shape, y);
  },
};
