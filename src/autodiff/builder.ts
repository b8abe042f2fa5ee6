import { type Shape, sameShape } from "../base/index.ts";
import { linearOps } from "./linear-ops/table.ts";
import type {
  AnyStep,
  Definition,
  LinearBuilder,
  LinearOp,
  LinearProgram,
  LinearVar,
  OpAttributes,
  Operand,
  Rounds,
  Tangent,
} from "./program.ts";

/** Records a linear program: first its sources, then linear operations. */
export class ProgramBuilder implements LinearBuilder {
  readonly #sources: LinearVar[] = [];
  readonly #steps: AnyStep[] = [];
  readonly #makers = new Map<number, AnyStep>();
  #nextId = 0;

  /** Adds a source of this shape (without the block axis). */
  source(shape: Shape): LinearVar {
    const variable = { id: this.#nextId++, shape };
    this.#sources.push(variable);
    return variable;
  }

  /** The step that makes a tangent; `undefined` for a source. */
  makerOf(x: LinearVar): AnyStep | undefined {
    return this.#makers.get(x.id);
  }

  /** The program with these targets, without the steps that no target needs. */
  finish(targets: readonly Tangent[]): LinearProgram {
    const needed = new Set(targets.map((target) => target?.id));
    const steps: AnyStep[] = [];
    for (const step of [...this.#steps].reverse()) {
      if (!needed.has(step.output.id)) continue;
      for (const input of step.inputs) needed.add(input.id);
      steps.push(step);
    }
    return { sources: this.#sources, targets, steps: steps.reverse() };
  }

  /** Records a step of another program, with these inputs. */
  again(step: AnyStep, inputs: readonly LinearVar[]): LinearVar {
    return this.#record(step.op, inputs, step.operands, step.attributes);
  }

  #record<Op extends LinearOp>(
    op: Op,
    inputs: readonly LinearVar[],
    operands: readonly Operand[],
    attributes: OpAttributes[Op],
  ): LinearVar {
    const definition = linearOps[op] as Definition<Op>;
    const shape = definition.shape(
      inputs.map((input) => input.shape),
      operands.map((operand) => operand.shape),
      attributes,
    );
    const output = { id: this.#nextId++, shape };
    const step = { op, inputs, operands, attributes, output } as unknown as AnyStep;
    this.#steps.push(step);
    this.#makers.set(output.id, step);
    return output;
  }

  #unary<Op extends LinearOp>(
    op: Op,
    x: Tangent,
    attributes: OpAttributes[Op],
    operands: readonly Operand[] = [],
  ): Tangent {
    return x && this.#record(op, [x], operands, attributes);
  }

  add(...terms: readonly Tangent[]): Tangent {
    const present = terms.filter((term) => term !== undefined);
    return present.length < 2 ? present[0] : this.#record("add", present, [], {});
  }

  sub(a: Tangent, b: Tangent): Tangent {
    return this.add(a, this.multiply(-1, b));
  }

  multiply(factor: number, x: Tangent): Tangent {
    if (factor === 0) return undefined;
    return factor === 1 ? x : this.#unary("multiply", x, { factor });
  }

  scale(operand: Operand, x: Tangent): Tangent {
    return this.#unary("scale", x, {}, [operand]);
  }

  matmul(x: Tangent, w: Operand, transposeW = false): Tangent {
    return this.#unary("matmul", x, { transposeW }, [w]);
  }

  matmulLeft(w: Operand, x: Tangent, transposeW = false): Tangent {
    return this.#unary("matmulLeft", x, { transposeW }, [w]);
  }

  conv(x: Tangent, w: Operand, window: OpAttributes["conv"]): Tangent {
    return this.#unary("conv", x, window, [w]);
  }

  convTranspose(x: Tangent, w: Operand, window: OpAttributes["convTranspose"]): Tangent {
    return this.#unary("convTranspose", x, window, [w]);
  }

  convWeight(x: Operand, w: Tangent, window: OpAttributes["convWeight"]): Tangent {
    return this.#unary("convWeight", w, window, [x]);
  }

  convWeightTranspose(x: Operand, ct: Tangent, window: OpAttributes["convWeightTranspose"]): Tangent {
    return this.#unary("convWeightTranspose", ct, window, [x]);
  }

  windowSum(x: Tangent, window: OpAttributes["windowSum"]): Tangent {
    return this.#unary("windowSum", x, window);
  }

  windowSumTranspose(x: Tangent, window: OpAttributes["windowSumTranspose"]): Tangent {
    return this.#unary("windowSumTranspose", x, window);
  }

  gather(x: Tangent, indices: Operand, axis: number): Tangent {
    return this.#unary("gather", x, { axis }, [indices]);
  }

  scatterAdd(x: Tangent, indices: Operand, axis: number, size: number): Tangent {
    return this.#unary("scatterAdd", x, { axis, size }, [indices]);
  }

  reshape(x: Tangent, shape: Shape): Tangent {
    return x && sameShape(x.shape, shape) ? x : this.#unary("reshape", x, { shape });
  }

  transpose(x: Tangent, perm: readonly number[]): Tangent {
    return perm.every((axis, i) => axis === i) ? x : this.#unary("transpose", x, { perm });
  }

  sum(x: Tangent, axes: readonly number[]): Tangent {
    return axes.length === 0 ? x : this.#unary("sum", x, { axes });
  }

  broadcast(x: Tangent, shape: Shape): Tangent {
    return x && sameShape(x.shape, shape) ? x : this.#unary("broadcast", x, { shape });
  }

  slice(x: Tangent, axis: number, start: number, size: number): Tangent {
    if (x && start === 0 && size === x.shape.at(axis)) return x;
    return this.#unary("slice", x, { axis, start, size });
  }

  pad(x: Tangent, axis: number, before: number, after: number): Tangent {
    return before === 0 && after === 0 ? x : this.#unary("pad", x, { axis, before, after });
  }

  concat(xs: readonly LinearVar[], axis: number): Tangent {
    return xs.length === 1 ? xs[0] : this.#record("concat", xs, [], { axis });
  }

  repeat(inputs: readonly LinearVar[], operands: readonly Operand[], rounds: Rounds): Tangent {
    return inputs.length === 0 ? undefined : this.#record("repeat", inputs, operands, rounds);
  }
}
