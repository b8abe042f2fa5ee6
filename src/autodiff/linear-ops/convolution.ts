import { type Shape, sameShape, sizeOf, stridesOf } from "../../base/index.ts";
import { type Attributes, int, ints } from "../../onnx/index.ts";
import type { ConvWindow, Definition, OpAttributes, StepEmitter } from "../program.ts";
import { outputPadding, windowOutput, windowTaps } from "./window.ts";

function onnxWindow({ strides, dilations, pads, group }: ConvWindow): Attributes {
  return { strides: ints(strides), dilations: ints(dilations), pads: ints(pads), group: int(group) };
}

/** Merges the block axis and the batch axis: [K, N, C, …] → [K·N, C, …]. */
function mergeBatch(e: StepEmitter, shape: Shape, i = 0): string {
  return e.isStripped(i) ? e.input(i) : e.node("Reshape", [e.input(i), e.ints([-1, ...shape.slice(1)])]);
}

/** The inverse of `mergeBatch` for the output. */
function splitBatch(e: StepEmitter, name: string): string {
  return e.isStripped(-1) ? name : e.toOutput(name);
}

export const conv: Definition<"conv"> = {
  isEntrywise: false,
  shape([x], [w], window) {
    const [batch, channels, ...spatial] = x! as [number, number, ...number[]];
    const [out, perGroup, ...kernel] = w! as [number, number, ...number[]];
    if (channels !== perGroup * window.group || kernel.length !== spatial.length) {
      throw new Error(`weight [${w}] in ${window.group} groups does not fit [${x}]`);
    }
    return [batch, out, ...windowOutput(spatial, kernel, window)];
  },
  transpose(l, ct, { inputs: [x], operands, attributes }) {
    return [l.convTranspose(ct, operands[0]!, { ...attributes, size: x!.shape.slice(2) })];
  },
  emit(e, { inputs: [x], attributes }) {
    const y = e.node("Conv", [mergeBatch(e, x!.shape), e.operand()], onnxWindow(attributes));
    return splitBatch(e, y);
  },
  evaluate({ inputs: [x], operands: [w], output, attributes }, [data], [weight]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachConvTerm(x!.shape, w!.shape, output.shape, attributes, (xi, wi, yi) => {
      y[yi]! += data![xi]! * weight![wi]!;
    });
    return y;
  },
};

export const convTranspose: Definition<"convTranspose"> = {
  isEntrywise: false,
  shape([x], [w], { size, ...window }) {
    const [batch, channels, ...spatial] = x! as [number, number, ...number[]];
    const [out, perGroup, ...kernel] = w! as [number, number, ...number[]];
    const expected = windowOutput(size, kernel, window);
    if (channels !== out || expected.some((extent, d) => extent !== spatial[d])) {
      throw new Error(`weight [${w}] and size [${size}] do not fit [${x}]`);
    }
    return [batch, perGroup * window.group, ...size];
  },
  transpose(l, ct, { operands, attributes: { size: _, ...window } }) {
    return [l.conv(ct, operands[0]!, window)];
  },
  emit(e, { inputs: [x], operands: [w], output, attributes }) {
    const merged = mergeBatch(e, x!.shape);
    const phases = adjointPhases(w!.shape.slice(2), x!.shape.slice(2), attributes);
    const y = phases
      ? interleave(e, byPhases(e, merged, w!.shape, attributes, phases), output.shape, phases)
      : e.node("ConvTranspose", [merged, e.operand()], {
          ...onnxWindow(attributes),
          output_padding: ints(outputPadding(x!.shape.slice(2), w!.shape.slice(2), attributes)),
        });
    return splitBatch(e, y);
  },
  evaluate({ inputs: [x], operands: [w], output, attributes }, [data], [weight]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachConvTerm(output.shape, w!.shape, x!.shape, attributes, (yi, wi, xi) => {
      y[yi]! += data![xi]! * weight![wi]!;
    });
    return y;
  },
};

export const convWeight: Definition<"convWeight"> = {
  isEntrywise: false,
  shape([w], [x], window) {
    const [batch, , ...spatial] = x! as [number, number, ...number[]];
    const [out, , ...kernel] = w! as [number, number, ...number[]];
    return [batch, out, ...windowOutput(spatial, kernel, window)];
  },
  transpose(l, ct, { inputs: [w], operands, attributes }) {
    return [l.convWeightTranspose(operands[0]!, ct, { ...attributes, kernel: w!.shape.slice(2) })];
  },
  /** One convolution with K·O output channels, in an order in which each group has its own channels. */
  emit(e, { inputs: [w], output, attributes }) {
    const { group } = attributes;
    const [out, perGroup, ...kernel] = w!.shape as [number, number, ...number[]];
    const [batch, , ...spatial] = output.shape as [number, number, ...number[]];
    const grouped = e.reshape(e.fullInput(), [group, out / group, perGroup * sizeOf(kernel)]);
    const groupFirst = e.node("Transpose", [grouped], { perm: ints([1, 0, 2, 3]) });
    const weights = e.node("Reshape", [groupFirst, e.ints([-1, perGroup, ...kernel])]);
    const y = e.node("Conv", [e.operand(), weights], onnxWindow(attributes));
    const split = e.node("Reshape", [y, e.ints([batch, group, -1, out / group, sizeOf(spatial)])]);
    return e.toOutput(e.node("Transpose", [split], { perm: ints([2, 0, 1, 3, 4]) }));
  },
  evaluate({ inputs: [w], operands: [x], output, attributes }, [weight], [data]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachConvTerm(x!.shape, w!.shape, output.shape, attributes, (xi, wi, yi) => {
      y[yi]! += data![xi]! * weight![wi]!;
    });
    return y;
  },
};

export const convWeightTranspose: Definition<"convWeightTranspose"> = {
  isEntrywise: false,
  shape([ct], [x], { group, kernel }) {
    return [ct![1]!, x![1]! / group, ...kernel];
  },
  transpose(l, ct, { operands, attributes: { kernel: _, ...window } }) {
    return [l.convWeight(operands[0]!, ct, window)];
  },
  /**
   * The correlation of x with the cotangent: the channels become the batch and the batch becomes the channels; strides and dilations
   * are exchanged.
   */
  emit(e, { inputs: [ct], operands: [x], attributes }) {
    const { group, kernel, strides, dilations, pads } = attributes;
    const [batch, out, ...spatial] = ct!.shape as [number, number, ...number[]];
    const [, channels, ...extents] = x!.shape as [number, number, ...number[]];
    const perGroup = channels / group;
    const area = sizeOf(spatial);
    const grouped = e.node("Reshape", [e.operand(), e.ints([batch, group, perGroup, sizeOf(extents)])]);
    const turned = e.node("Transpose", [grouped], { perm: ints([2, 1, 0, 3]) });
    const data = e.node("Reshape", [turned, e.ints([perGroup, group * batch, ...extents])]);
    const split = e.reshape(e.fullInput(), [batch, group, out / group, area]);
    const arranged = e.node("Transpose", [split], { perm: ints([2, 0, 3, 1, 4]) });
    const weights = e.node("Reshape", [arranged, e.ints([-1, batch, ...spatial])]);
    const y = e.node("Conv", [data, weights], {
      strides: ints(dilations),
      dilations: ints(strides),
      pads: ints(pads),
      group: int(group),
    });
    // Rows and columns that the stride skipped at the end would give additional kernel entries.
    const axes = kernel.map((_, d) => d + 2);
    const cropped = e.node("Slice", [y, e.ints(axes.map(() => 0)), e.ints(kernel), e.ints(axes)]);
    const parts = e.node("Reshape", [cropped, e.ints([perGroup, group, -1, out / group, sizeOf(kernel)])]);
    return e.toOutput(e.node("Transpose", [parts], { perm: ints([2, 1, 3, 0, 4]) }));
  },
  evaluate({ inputs: [ct], operands: [x], output, attributes }, [cotangent], [data]) {
    const y = new Float64Array(sizeOf(output.shape));
    eachConvTerm(x!.shape, output.shape, ct!.shape, attributes, (xi, wi, ci) => {
      y[wi]! += data![xi]! * cotangent![ci]!;
    });
    return y;
  },
};

/** One axis of the adjoint of a strided convolution, as plain convolutions. Each of them computes every stride-th entry. */
interface Phase {
  readonly stride: number;
  /** The number of kernel entries in a phase. The last ones of some phases are zero. */
  readonly kernel: number;
  readonly pads: readonly [before: number, after: number];
  /** The number of entries that each phase computes, and which of all entries are the first and the last of the result. */
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The phases along each axis, or `undefined` if ConvTranspose must be used: for kernels shorter than their stride (most phases would
 * be zero), and for a stride together with a dilation. With stride 1 there is one phase, a plain convolution.
 *
 * Entry h of the result is a sum over kernel entries k and input entries o with h + pad = o·stride + k·dilation. Entries h with the
 * same (h + pad) mod stride use the same kernel entries, so each such set is a plain convolution.
 */
function adjointPhases(
  kernel: Shape,
  input: Shape,
  { strides, dilations, pads, size }: OpAttributes["convTranspose"],
): readonly Phase[] | undefined {
  const phases = kernel.map((extent, d): Phase => {
    const [stride, dilation, pad] = [strides[d]!, dilations[d]!, pads[d]!];
    const perPhase = Math.ceil(extent / stride);
    const first = Math.floor(pad / stride);
    const end = Math.floor((pad + size[d]! - 1) / stride) + 1;
    return {
      stride,
      kernel: perPhase,
      pads: [(perPhase - 1) * dilation - first, end - input[d]!],
      count: end - first,
      from: pad - first * stride,
      to: pad - first * stride + size[d]!,
    };
  });
  const possible = phases.every(
    ({ stride, pads: [before, after] }, d) =>
      before >= 0 && after >= 0 && stride <= kernel[d]! && (stride === 1 || dilations[d] === 1),
  );
  return possible ? phases : undefined;
}

/** [N, O, …] → [N, I·strides, …]: the phases of each input channel are adjacent channels. */
function byPhases(
  e: StepEmitter,
  x: string,
  w: Shape,
  { group, dilations }: ConvWindow,
  phases: readonly Phase[],
): string {
  return e.node("Conv", [x, adjointWeight(e, w, group, phases)], {
    dilations: ints(dilations),
    pads: ints([...phases.map(({ pads }) => pads[0]), ...phases.map(({ pads }) => pads[1])]),
    group: int(group),
  });
}

/**
 * W [O, I/g, …] → [I·strides, O/g, …]: transposed within groups, with the kernel divided among the phases and reversed in each. ONNX
 * Runtime computes this once, and then holds every node's result for a while: there are only those that are needed.
 */
function adjointWeight(e: StepEmitter, w: Shape, group: number, phases: readonly Phase[]): string {
  const isPlain = group === 1 && phases.every(({ stride }) => stride === 1);
  const merged = isPlain
    ? e.node("Transpose", [e.operand()], { perm: ints([1, 0, ...phases.map((_, d) => d + 2)]) })
    : dealtWeight(e, w, group, phases);
  const axes = phases.flatMap(({ kernel }, d) => (kernel > 1 ? [d + 2] : []));
  if (axes.length === 0) return merged;
  return e.node("Slice", [
    merged,
    e.ints(axes.map(() => -1)),
    e.ints(axes.map(() => -(2 ** 31))),
    e.ints(axes),
    e.ints(axes.map(() => -1)),
  ]);
}

/** W [O, I/g, …] → [I·strides, O/g, …]: transposed within groups, with the kernel divided among the phases. */
function dealtWeight(e: StepEmitter, w: Shape, group: number, phases: readonly Phase[]): string {
  const [out, perGroup, ...kernel] = w as [number, number, ...number[]];
  const missing = phases.map((phase, d) => phase.kernel * phase.stride - kernel[d]!);
  const before = [0, 0, ...kernel.map(() => 0)];
  const padded = missing.every((count) => count === 0)
    ? e.operand()
    : e.node("Pad", [e.operand(), e.ints([...before, 0, 0, ...missing]), e.scalar(0)]);
  const dealt = phases.flatMap((phase) => [phase.kernel, phase.stride]);
  const split = e.node("Reshape", [padded, e.ints([group, out / group, perGroup, ...dealt])]);
  const [entries, strides] = [0, 1].map((part) => phases.map((_, d) => 3 + 2 * d + part)) as [number[], number[]];
  const turned = e.node("Transpose", [split], { perm: ints([0, 2, ...strides, 1, ...entries]) });
  const channels = group * perGroup * sizeOf(phases.map(({ stride }) => stride));
  return e.node("Reshape", [turned, e.ints([channels, out / group, ...phases.map((phase) => phase.kernel)])]);
}

/**
 * [N, I·strides, …count] → [N, I, …size]: interleaves the entries of the phases along each axis and cuts them to the size of the
 * result. It works on one axis at a time, from the last, because ONNX Runtime moves one axis much faster than several.
 */
function interleave(e: StepEmitter, x: string, [, channels, ...size]: Shape, phases: readonly Phase[]): string {
  if (phases.every(({ stride }) => stride === 1)) return x;
  const counts = phases.map(({ count }) => count);
  const whole = phases.map(({ count, stride }) => count * stride);
  let turned = x;
  for (let d = size.length - 1; d >= 0; d--) {
    const { stride } = phases[d]!;
    if (stride === 1) continue;
    const apart = [-1, stride, sizeOf(counts.slice(0, d + 1)), sizeOf(whole.slice(d + 1))];
    turned = e.node("Transpose", [e.node("Reshape", [turned, e.ints(apart)])], { perm: ints([0, 2, 1, 3]) });
  }
  const merged = e.node("Reshape", [turned, e.ints([-1, channels, ...whole])]);
  if (sameShape(whole, size)) return merged;
  const bounds = [phases.map(({ from }) => from), phases.map(({ to }) => to), size.map((_, d) => d - size.length)];
  return e.node("Slice", [merged, ...bounds.map(e.ints)]);
}

/** Visits every product x·w of a convolution x [N, I, …] * w [O, I/g, …] → y [N, O, …], by flat indices. */
function eachConvTerm(
  x: Shape,
  w: Shape,
  y: Shape,
  window: ConvWindow,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [xBatch, xChannel] = stridesOf(x) as [number, number];
  const [wOut, wIn] = stridesOf(w) as [number, number];
  const [yBatch, yChannel] = stridesOf(y) as [number, number];
  const outPerGroup = w[0]! / window.group;
  const taps = windowTaps(x.slice(2), w.slice(2), y.slice(2), window);
  for (let n = 0; n < x[0]!; n++) {
    for (let o = 0; o < w[0]!; o++) {
      for (let i = 0; i < w[1]!; i++) {
        const xAt = n * xBatch + (Math.floor(o / outPerGroup) * w[1]! + i) * xChannel;
        const wAt = o * wOut + i * wIn;
        const yAt = n * yBatch + o * yChannel;
        for (const [from, tap, to] of taps) visit(xAt + from, wAt + tap, yAt + to);
      }
    }
  }
}
