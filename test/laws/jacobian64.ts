import { evaluate, type LinearProgram, linearize, type Operand, transpose } from "../../src/autodiff/index.ts";
import { sizeOf } from "../../src/base/index.ts";
import { evaluate64, interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { type Problem, to64 } from "../rows/problem.ts";
import { cut, join } from "./vectors.ts";

/** J of a problem in float64 throughout, on vectors that hold all sources (all targets) one after the other. */
export interface Jacobian64 {
  readonly program: LinearProgram;
  readonly transposed: LinearProgram;
  readonly n: number;
  readonly m: number;
  jvp(v: Float64Array): Float64Array;
  vjp(u: Float64Array): Float64Array;
  /** J once more, by the transpose of the transpose. */
  jvpByTransposes(v: Float64Array): Float64Array;
  /** f(x + step · v), all targets. */
  shifted(v: Float64Array, step: number): Float64Array;
}

/** The naive column of every linear operation, with values kept by the reference interpreter. */
export async function jacobian64({ model, point, sources, targets }: Problem): Promise<Jacobian64> {
  const { program, constants, primal } = await linearize(model, { sources, targets }, evaluate64);
  const transposed = transpose(program);
  const values = interpret(primal.graph, to64(point));
  const operand = ({ name }: Operand) => {
    const constant = constants.get(name);
    return constant ? fromTensor(constant).data : values.get(name)!.data;
  };
  const sizes = (names: readonly string[]) => names.map((name) => sizeOf(model.values.get(name)!.shape));
  const [sourceSizes, targetSizes] = [sizes(sources), sizes(targets)];
  const total = (all: readonly number[]) => all.reduce((sum, size) => sum + size, 0);
  const run = (of: LinearProgram, parts: readonly Float64Array[], resultSizes: readonly number[]) =>
    evaluate(of, operand, parts).map((part, i) => (of.targets[i] ? part : new Float64Array(resultSizes[i]!)));
  const moving = <T>(all: readonly T[]) => all.filter((_, i) => program.targets[i] !== undefined);
  const start = new Map([...to64(model.onnx.graph.initializers), ...to64(point)]);
  return {
    program,
    transposed,
    n: total(sourceSizes),
    m: total(targetSizes),
    jvp: (v) => join(run(program, cut(v, sourceSizes), targetSizes)),
    vjp: (u) => join(run(transposed, moving(cut(u, targetSizes)), sourceSizes)),
    jvpByTransposes(v) {
      const read = cut(v, sourceSizes).filter((_, i) => transposed.targets[i] !== undefined);
      const parts = run(transpose(transposed), read, moving(targetSizes)).values();
      return join(targetSizes.map((size, i) => (program.targets[i] ? parts.next().value! : new Float64Array(size))));
    },
    shifted(v, step) {
      const feeds = new Map(start);
      cut(v, sourceSizes).forEach((part, i) => {
        const x = start.get(sources[i]!)!;
        feeds.set(sources[i]!, { ...x, data: x.data.map((value, at) => value + step * part[at]!) });
      });
      const values = interpret(model.onnx.graph, feeds);
      return join(targets.map((name) => values.get(name)!.data));
    },
  };
}
