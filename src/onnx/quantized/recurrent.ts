import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, int, ints, intTensor } from "../build.ts";
import type { Attribute, Attributes, Graph, Node, Tensor } from "../model.ts";
import { FloatWriter, inFloats, read } from "./float-writer.ts";
import { dynamicParameters, type FloatRewriting, quantize } from "./linear.ts";

/** What x stands for after it was rounded to codes of 8 bits between its extremes. */
function rounded(w: FloatWriter, x: string): string {
  const { scale, zero } = dynamicParameters(w, x);
  const codes = w.name("codes");
  quantize(w, x, scale, w.float(zero), "uint8", codes);
  return w.add("Mul", [w.add("Sub", [codes, w.float(zero)]), scale]);
}

/** Matrices [directions, rows, columns] of codes as floats [directions, columns, rows]; a scale belongs to a direction or to a column. */
function turned(codes: Tensor, scale: Tensor, zero: Tensor): Tensor {
  const [directions = 1, rows = 1, columns = 1] = codes.shape;
  const [entries, steps, offsets] = [codes, scale, zero].map((tensor) => inFloats(tensor).data as Float32Array);
  const of = ({ shape }: Tensor, direction: number, column: number) =>
    sizeOf(shape) === directions ? direction : direction * columns + column;
  const data = new Float32Array(sizeOf(codes.shape));
  for (let direction = 0, to = 0; direction < directions; direction++) {
    for (let column = 0; column < columns; column++) {
      const [step, offset] = [steps![of(scale, direction, column)]!, offsets![of(zero, direction, column)]!];
      for (let row = 0; row < rows; row++, to++) {
        data[to] = Math.fround(entries![(direction * rows + row) * columns + column]! - offset) * step;
      }
    }
  }
  return floatTensor([directions, columns, rows], data);
}

/** The attributes of one direction of a node that may have two, whose lists are one after the other. */
function attributesOf({ attributes }: Node, direction: number, directions: number): Attributes {
  const half = (attribute: Attribute): Attribute => {
    if (attribute.kind !== "floats" && attribute.kind !== "strings") return attribute;
    const size = attribute.value.length / directions;
    return { ...attribute, value: attribute.value.slice(direction * size, (direction + 1) * size) } as Attribute;
  };
  const own = Object.entries(attributes).filter(([name]) => name !== "direction");
  return Object.fromEntries(own.map(([name, attribute]) => [name, half(attribute)]));
}

/** One direction of a recurrent node. All names are of floats; the state is [1, batch, hidden]. */
interface Direction {
  /** The parameters of an LSTM of one direction. */
  readonly parameters: Readonly<Record<"weights" | "recurrence" | "bias" | "peepholes", string>>;
  readonly attributes: Attributes;
  readonly inputSize: number;
  readonly isReverse: boolean;
  /** The lengths of the sequences, if they differ. */
  readonly lengths: string;
}

/** What a step does: an LSTM of one step, whose state is rounded as its input was. */
function stepOf(w: FloatWriter, direction: Direction): Graph {
  const { parameters, attributes, inputSize, lengths } = direction;
  const names = ["h", "c", "x", ...(lengths === "" ? [] : ["step"])].map((role) => w.name(role));
  const [h = "", c = "", x = "", step = ""] = names;
  const inputs = names.map((name) => ({
    name,
    type: name === step ? ("int64" as const) : ("float32" as const),
    shape: undefined,
  }));
  const inner = new FloatWriter(
    { name: "step", inputs, outputs: [], nodes: [], initializers: new Map() },
    w.setting,
    w,
  );
  inner.begin({ name: w.name("step"), op: "LSTM", domain: "", inputs: [], outputs: [], attributes: {} });
  const row = inner.add("Reshape", [x, inner.wholes("row", [1, -1, inputSize])]);
  const [nextH, nextC] = [inner.name("h"), inner.name("c")];
  const { weights, recurrence, bias, peepholes } = parameters;
  const operands = [row, weights, recurrence, bias, "", rounded(inner, h), c, peepholes];
  inner.push({ op: "LSTM", inputs: operands, outputs: ["", nextH, nextC], attributes });
  const results =
    lengths === ""
      ? [nextH, nextC, inner.add("Identity", [nextH])]
      : within(inner, { step, lengths, h, c, nextH, nextC });
  const outputs = results.map((name) => ({ name, type: "float32" as const, shape: undefined }));
  return { name: "step", inputs, nodes: inner.nodes, initializers: inner.initializers, outputs };
}

/** Beyond the end of a sequence its state stays, and its output is 0. */
function within(
  w: FloatWriter,
  of: Readonly<Record<"step" | "lengths" | "h" | "c" | "nextH" | "nextC", string>>,
): string[] {
  const ends = w.add("Reshape", [w.add("Cast", [of.lengths], { to: int(7) }), w.wholes("batch", [1, -1, 1])]);
  const isWithin = w.add("Less", [of.step, ends]);
  const chosen = (then: string, otherwise: string) => w.add("Where", [isWithin, then, otherwise]);
  return [chosen(of.nextH, of.h), chosen(of.nextC, of.c), chosen(of.nextH, w.number("none", 0))];
}

/** The outputs and the last states of one direction, with the names asked for: [steps, 1, batch, hidden] and twice [1, batch, hidden]. */
function scan(
  w: FloatWriter,
  x: string,
  start: readonly string[],
  direction: Direction,
  outputs: readonly string[],
): void {
  const steps = () => {
    const zero = w.constant("first", intTensor([0], []));
    const count = w.add("Gather", [w.add("Shape", [x]), zero]);
    return w.add("Range", [zero, count, w.constant("next", intTensor([1], []))]);
  };
  const slices = direction.lengths === "" ? [x] : [x, steps()];
  const way = direction.isReverse ? 1 : 0;
  w.push({
    op: "Scan",
    inputs: [...start, ...slices],
    outputs,
    attributes: {
      body: { kind: "graph", value: stepOf(w, direction) },
      num_scan_inputs: int(slices.length),
      scan_input_directions: ints(slices.map(() => way)),
      scan_output_directions: ints([way]),
    },
  });
}

/**
 * An LSTM whose weights are codes, and whose input and state are rounded to codes between their extremes: the input for all steps at once,
 * the state at each step. It is written as the steps of an LSTM of floats.
 */
const dynamicQuantizeLstm: FloatRewriting = (w, node) => {
  const [x = "", ofInput = "", ofState = "", bias = "", lengths = "", h = "", c = "", peepholes = "", ...quantization] =
    node.inputs;
  const codes = [ofInput, ofState].map((name) => w.constantOf(name));
  const [inputScale, inputZero, stateScale, stateZero] = quantization.map((name) => w.constantOf(name));
  if (!codes[0] || !codes[1] || !inputScale || !inputZero || !stateScale || !stateZero || w.setting.opset < 9) {
    w.keep(node);
    return;
  }
  const [weights, recurrence] = [turned(codes[0], inputScale, inputZero), turned(codes[1], stateScale, stateZero)];
  const [directions = 1, , inputSize = 1] = weights.shape;
  const hidden = recurrence.shape[2]!;
  const part = (tensor: Tensor, direction: number): Tensor => {
    const shape: Shape = [1, ...tensor.shape.slice(1)];
    const size = sizeOf(shape);
    return floatTensor(shape, (tensor.data as Float32Array).subarray(direction * size, (direction + 1) * size));
  };
  const chosen = (name: string, direction: number) =>
    name === "" || directions === 1
      ? name
      : w.add("Gather", [name, w.wholes("direction", [direction])], { axis: int(0) });
  const zeros = () => {
    const batch = w.add("Gather", [w.add("Shape", [x]), w.wholes("batch", [1])]);
    const shape = w.add("Concat", [w.wholes("one", [1]), batch, w.wholes("hidden", [hidden])], { axis: int(0) });
    return w.add("Expand", [w.number("none", 0), shape]);
  };
  const input = rounded(w, x);
  const made = Array.from({ length: directions }, (_, i) => {
    const direction: Direction = {
      parameters: {
        weights: w.constant("weights", part(weights, i)),
        recurrence: w.constant("recurrence", part(recurrence, i)),
        bias: chosen(bias, i),
        peepholes: chosen(peepholes, i),
      },
      attributes: attributesOf(node, i, directions),
      inputSize,
      isReverse: i === 1 || read(node).text("direction", "forward") === "reverse",
      lengths,
    };
    const start = [h, c].map((name) => (name === "" ? zeros() : chosen(name, i)));
    const outputs = [w.name("h"), w.name("c"), w.name("outputs")] as const;
    scan(w, input, start, direction, outputs);
    return outputs;
  });
  // The node's outputs are all steps, and the last states; those of a Scan are the states first.
  [2, 0, 1].forEach((from, i) => {
    const output = node.outputs[i] ?? "";
    if (output !== "")
      w.add(
        "Concat",
        made.map((outputs) => outputs[from]!),
        { axis: int(from === 2 ? 1 : 0) },
        output,
      );
  });
};

/** Recurrent operators of quantized weights. */
export const quantizedRecurrent: Readonly<Record<string, FloatRewriting>> = {
  "com.microsoft:DynamicQuantizeLSTM": dynamicQuantizeLstm,
};
