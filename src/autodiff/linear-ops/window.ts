import { type Shape, sizeOf } from "../../base/index.ts";
import { int, ints } from "../../onnx/index.ts";
import type { Definition, StepEmitter, Window } from "../program.ts";

/** All (input, kernel, output) triples of flat spatial indices that a window connects, without positions in the padding. */
export function windowTaps(
  input: Shape,
  kernel: Shape,
  output: Shape,
  { strides, dilations, pads }: Window,
): [input: number, kernel: number, output: number][] {
  let taps: [number, number, number][] = [[0, 0, 0]];
  for (let d = 0; d < input.length; d++) {
    const axis: [number, number, number][] = [];
    for (let o = 0; o < output[d]!; o++) {
      for (let k = 0; k < kernel[d]!; k++) {
        const i = o * strides[d]! - pads[d]! + k * dilations[d]!;
        if (i >= 0 && i < input[d]!) axis.push([i, k, o]);
      }
    }
    taps = taps.flatMap(([i, k, o]) =>
      axis.map(([ai, ak, ao]): [number, number, number] => [
        i * input[d]! + ai,
        k * kernel[d]! + ak,
        o * output[d]! + ao,
      ]),
    );
  }
  return taps;
}

/** The spatial extents of the output of a window: along each axis, the number of positions at which it fits. */
export function windowOutput(spatial: Shape, kernel: Shape, { strides, dilations, pads }: Window): number[] {
  return spatial.map((extent, d) => {
    const reach = (kernel[d]! - 1) * dilations[d]! + 1;
    return Math.floor((extent + pads[d]! + pads[spatial.length + d]! - reach) / strides[d]!) + 1;
  });
}

/** The padding with which a window of stride 1 with a reversed kernel is the adjoint. */
function mirroredPads(kernel: Shape, { dilations, pads }: Window): number[] {
  const rank = kernel.length;
  return pads.map((pad, i) => (kernel[i % rank]! - 1) * dilations[i % rank]! - pad);
}

/** How many entries the adjoint must add at the end of each axis to reach `size`: those that the stride skipped. */
export function outputPadding(
  spatial: Shape,
  kernel: Shape,
  { size, strides, dilations, pads }: Window & { readonly size: Shape },
): number[] {
  return size.map((extent, d) => {
    const reach = (kernel[d]! - 1) * dilations[d]! + 1;
    return extent - ((spatial[d]! - 1) * strides[d]! + reach - pads[d]! - pads[size.length + d]!);
  });
}

/** Splits a shape into the leading axes, which the window does not change, and the spatial axes. */
const split = (shape: Shape, rank: number) => ({ lead: shape.slice(0, -rank), spatial: shape.slice(-rank) });

export const windowSum: Definition<"windowSum"> = {
  isEntrywise: false,
  shape([x], _operands, { kernel, strides, dilations, pads }) {
    const { lead, spatial } = split(x!, kernel.length);
    return [...lead, ...windowOutput(spatial, kernel, { strides, dilations, pads })];
  },
  transpose(l, ct, { inputs: [x], attributes }) {
    return [l.windowSumTranspose(ct, { ...attributes, size: split(x!.shape, attributes.kernel.length).spatial })];
  },
  emit(e, { inputs: [x], attributes }) {
    return e.toOutput(sumWindows(e, asPlanes(e, x!.shape, attributes.kernel), attributes));
  },
  evaluate({ inputs: [x], output, attributes }, [data]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachWindow(x!.shape, output.shape, attributes, (xi, yi) => {
      y[yi]! += data![xi]!;
    });
    return y;
  },
};

export const windowSumTranspose: Definition<"windowSumTranspose"> = {
  isEntrywise: false,
  shape: ([x], _operands, { kernel, size }) => [...split(x!, kernel.length).lead, ...size],
  transpose(l, ct, { attributes: { size: _, ...window } }) {
    return [l.windowSum(ct, window)];
  },
  emit(e, { inputs: [x], attributes }) {
    const { kernel, strides, dilations, pads } = attributes;
    const planes = asPlanes(e, x!.shape, kernel);
    const mirrored = mirroredPads(kernel, attributes);
    if (strides.every((stride) => stride === 1) && mirrored.every((pad) => pad >= 0)) {
      const window = { kernel, strides, dilations, pads: mirrored };
      return e.toOutput(sumWindows(e, planes, window));
    }
    const spatial = split(x!.shape, kernel.length).spatial;
    const spread = e.node("ConvTranspose", [planes, ones(e, kernel)], {
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints(pads),
      output_padding: ints(outputPadding(spatial, kernel, attributes)),
    });
    return e.toOutput(spread);
  },
  evaluate({ inputs: [x], output, attributes }, [data]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachWindow(output.shape, x!.shape, attributes, (yi, xi) => {
      y[yi]! += data![xi]!;
    });
    return y;
  },
};

/** [K, …, spatial] → [K·…, 1, spatial]. */
function asPlanes(e: StepEmitter, shape: Shape, kernel: Shape): string {
  return e.node("Reshape", [e.input(), e.ints([-1, 1, ...shape.slice(-kernel.length)])]);
}

function ones(e: StepEmitter, kernel: Shape): string {
  return e.node("Expand", [e.scalar(1), e.ints([1, 1, ...kernel])]);
}

/** Sums windows by an average over the padded window times its size, or, if ONNX allows no such average, by a convolution with ones. */
function sumWindows(
  e: StepEmitter,
  planes: string,
  { kernel, strides, dilations, pads }: Window & { readonly kernel: Shape },
): string {
  const rank = kernel.length;
  const averages = dilations.every((dilation) => dilation === 1) && pads.every((pad, i) => pad < kernel[i % rank]!);
  if (!averages) {
    const attributes = { strides: ints(strides), dilations: ints(dilations), pads: ints(pads) };
    return e.node("Conv", [planes, ones(e, kernel)], attributes);
  }
  const average = e.node("AveragePool", [planes], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints(pads),
    count_include_pad: int(1),
  });
  return e.node("Mul", [average, e.scalar(sizeOf(kernel))]);
}

/** Visits every (input, output) pair of flat indices that a window connects, plane by plane. */
function eachWindow(
  input: Shape,
  output: Shape,
  window: Window & { readonly kernel: Shape },
  visit: (input: number, output: number) => void,
): void {
  const { lead, spatial } = split(input, window.kernel.length);
  const to = split(output, window.kernel.length).spatial;
  const taps = windowTaps(spatial, window.kernel, to, window);
  for (let plane = 0; plane < sizeOf(lead); plane++) {
    for (const [i, , o] of taps) visit(plane * sizeOf(spatial) + i, plane * sizeOf(to) + o);
  }
}
