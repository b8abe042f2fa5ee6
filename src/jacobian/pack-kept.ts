import type { EmittedProgram, Linearization } from "../autodiff/index.ts";
import { type Shape, sizeOf } from "../base/index.ts";
import { int, intTensor, node, type OnnxModel, type TensorType, valueInfo } from "../onnx/index.ts";
import type { DeviceTensor } from "../runtime/index.ts";

/** Handing a tensor to a graph takes about as long as copying so many entries. */
const MOST_ENTRIES = 4096;
/** The fewest values that are worth a node which takes them apart again. */
const FEWEST = 8;

/** Small kept values of one shape, which go from the pass to the products as one tensor, one after the other along the first axis. */
export interface Pack extends TensorType {
  readonly name: string;
  /** The values, and the shape that all of them have. */
  readonly parts: readonly string[];
  readonly of: Shape;
}

type Kept = Readonly<Record<string, DeviceTensor>>;

/** The packs of what a linearization keeps. Unrolled loops keep thousands of small values, one for each round. */
export function packsOf({ kept }: Pick<Linearization, "kept">): Pack[] {
  const groups = new Map<string, { readonly of: Shape; readonly parts: string[] }>();
  for (const { name, type, shape } of kept) {
    if (type !== "float32" || shape.length === 0 || sizeOf(shape) > MOST_ENTRIES || sizeOf(shape) === 0) continue;
    const group = groups.get(`${shape}`) ?? { of: shape, parts: [] };
    group.parts.push(name);
    groups.set(`${shape}`, group);
  }
  const large = [...groups.values()].filter(({ parts }) => parts.length >= FEWEST);
  return large.map(({ of, parts }, i) => {
    const shape = [parts.length * of[0]!, ...of.slice(1)];
    return { name: `packed/${i}`, type: "float32", shape, of, parts };
  });
}

/** The pass with packs as outputs, in place of their parts. */
export function packing(pass: OnnxModel, packs: readonly Pack[]): OnnxModel {
  const packed = new Set(packs.flatMap(({ parts }) => parts));
  const own = pass.graph.outputs.filter(({ name }) => !packed.has(name));
  const joins = packs.map(({ name, parts }) =>
    node({ op: "Concat", inputs: parts, outputs: [name], attributes: { axis: int(0) } }),
  );
  const outputs = [...own, ...packs.map(({ name, type, shape }) => valueInfo(name, type, shape))];
  return { ...pass, graph: { ...pass.graph, nodes: [...pass.graph.nodes, ...joins], outputs } };
}

/** The graph of a product with packs as inputs, in place of those of their parts that it reads. */
export function unpacking(emitted: EmittedProgram, all: readonly Pack[]): EmittedProgram {
  const read = new Set(emitted.kept);
  const packs = all.filter(({ parts }) => parts.some((name) => read.has(name)));
  const packed = new Set(packs.flatMap(({ parts }) => parts));
  const { model } = emitted;
  const { graph } = model;
  const sizes = packs.map(({ name, parts, of }) => [`${name}/sizes`, intTensor(parts.map(() => of[0]!))] as const);
  const cuts = packs.map(({ name, parts }) =>
    node({ op: "Split", inputs: [name, `${name}/sizes`], outputs: parts, attributes: { axis: int(0) } }),
  );
  const inputs = [
    ...graph.inputs.filter(({ name }) => !packed.has(name)),
    ...packs.map(({ name, type, shape }) => valueInfo(name, type, shape)),
  ];
  const initializers = new Map([...graph.initializers, ...sizes]);
  return {
    ...emitted,
    model: { ...model, graph: { ...graph, inputs, nodes: [...cuts, ...graph.nodes], initializers } },
    kept: [...emitted.kept.filter((name) => !packed.has(name)), ...packs.map(({ name }) => name)],
  };
}

/** What the pass gave, with views of the parts of packs under their names. */
export function unpacked(given: Kept, packs: readonly Pack[]): Kept {
  const views = packs.flatMap(({ name, parts, of }) =>
    parts.map((part, i) => [part, given[name]!.view(i * sizeOf(of), of)] as const),
  );
  return { ...given, ...Object.fromEntries(views) };
}
