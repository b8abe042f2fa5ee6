import { type Shape, sameShape, sizeOf, withoutBatch } from "../../base/index.ts";
import { int, ints } from "../../onnx/index.ts";
import type { Definition, LinearProgram, LinearVar, Rounds, Step, StepEmitter, Tangent } from "../program.ts";

/** The shapes of a step's inputs, and those of what its output holds one after the other. */
export function sidesOf({ round, count, states }: Rounds): { readonly inputs: Shape[]; readonly outputs: Shape[] } {
  const inAll = ({ shape }: LinearVar): Shape => [count, ...shape];
  const chosen = (side: "starts" | "ends") =>
    states.flatMap((state, i) => (state[side] ? [round.sources[i]!.shape] : []));
  const given = round.targets.slice(states.length);
  return {
    inputs: [...chosen("starts"), ...round.sources.slice(states.length).map(inAll)],
    outputs: [...chosen("ends"), ...given.map((target) => inAll(target!))],
  };
}

/** Where the parts of a vector begin that holds tensors of some shapes one after the other. */
export function partsOf(shapes: readonly Shape[]) {
  let end = 0;
  return shapes.map((shape) => {
    const size = sizeOf(shape);
    end += size;
    return { shape, start: end - size, size };
  });
}

export const repeat: Definition<"repeat"> = {
  isEntrywise: false,
  shape(inputs, operands, rounds) {
    const { round, count, states, ofRound } = rounds;
    const sides = sidesOf(rounds);
    const fits = (given: readonly Shape[], wanted: readonly Shape[]) =>
      wanted.every((shape, i) => given[i] !== undefined && sameShape(given[i], shape));
    const next = round.targets.slice(0, states.length);
    if (next.some((target, i) => target && !sameShape(target.shape, round.sources[i]!.shape))) {
      throw new Error("a round changes the shape of a state");
    }
    if (inputs.length !== sides.inputs.length || !fits(inputs, sides.inputs)) {
      throw new Error(`inputs ${inputs.map((shape) => `[${shape}]`).join(", ")} do not fit the rounds`);
    }
    const parts = ofRound.map(({ shape }) => [count, ...shape]);
    if (!fits(operands, parts)) throw new Error("operands have not one entry for each round");
    return [sides.outputs.reduce((total, shape) => total + sizeOf(shape), 0)];
  },
  /** The rounds run backwards; where a state ended, its cotangent starts. */
  transpose(l, ct, { operands, attributes }, adjoint) {
    const { round, states, isReverse, ...rest } = attributes;
    const back: Rounds = {
      ...rest,
      round: ofAll(round, adjoint(round)),
      isReverse: !isReverse,
      states: states.map(({ starts, ends }) => ({ starts: ends, ends: starts })),
    };
    const sides = sidesOf(attributes);
    const cut = (x: LinearVar, shapes: readonly Shape[]) =>
      partsOf(shapes).map(({ shape, start, size }) => l.reshape(l.slice(x, -1, start, size), shape));
    const all = l.repeat(
      cut(ct, sides.outputs).flatMap((part) => part ?? []),
      operands,
      back,
    );
    return all === undefined ? [] : cut(all, sides.inputs);
  },
  emit(e, step) {
    const { round, count, isReverse, states, ofRound } = step.attributes;
    const starting = startsOf(e, step);
    // A state that no round changes is read from around the rounds.
    const isSame = (i: number) => round.targets[i] === round.sources[i];
    const around = new Map(states.flatMap((_, i) => (isSame(i) ? [[round.sources[i]!, starting[i]!] as const] : [])));
    const moving = states.flatMap((_, i) => (isSame(i) ? [] : [i]));
    const gets = round.sources.slice(states.length);
    const gives = round.targets.slice(states.length);
    const first = states.filter(({ starts }) => starts).length;
    const slicedTangents = gets.map(({ shape }, i) => e.reshape(e.input(first + i), [count, ...withoutBatch(shape)]));
    const sliced = [...slicedTangents, ...ofRound.map((_, i) => e.operand(i))];
    const ends = (all: readonly Tangent[]) => all.filter((_, i) => i >= states.length || !isSame(i));
    const changing = { ...round, sources: ends(round.sources) as LinearVar[], targets: ends(round.targets) };
    const body = e.body(changing, ofRound, around);
    const list = (length: number, value: number) => ints(new Array<number>(length).fill(value));
    const results = e.nodes("Scan", [...moving.map((i) => starting[i]!), ...sliced], moving.length + gives.length, {
      body: { kind: "graph", value: body },
      num_scan_inputs: int(sliced.length),
      scan_input_axes: ints(sliced.map((_, i) => (i < gets.length ? 1 : 0))),
      scan_input_directions: list(sliced.length, isReverse ? 1 : 0),
      ...(gives.length === 0 ? {} : { scan_output_axes: list(gives.length, 1) }),
      ...(gives.length === 0 ? {} : { scan_output_directions: list(gives.length, isReverse ? 1 : 0) }),
    });
    const lastOf = (i: number) => (isSame(i) ? starting[i]! : results[moving.indexOf(i)]!);
    const last = states.flatMap(({ ends }, i) => (ends ? [lastOf(i)] : []));
    const shapes = sidesOf(step.attributes).outputs;
    const flat = [...last, ...results.slice(moving.length)].map((name, i) => e.reshape(name, [sizeOf(shapes[i]!)]));
    return e.fromFull(flat.length === 1 ? flat[0]! : e.node("Concat", flat, { axis: int(-1) }));
  },
  evaluate({ operands: names, attributes }, given, operands, run) {
    const { round, count, isReverse, states, ofRound } = attributes;
    const starts = states.map(({ starts }) => starts);
    const first = starts.filter((one) => one).length;
    const begun = given.slice(0, first).values();
    let now = states.map(({ starts }, i) =>
      starts ? begun.next().value! : new Float64Array(sizeOf(round.sources[i]!.shape)),
    );
    const stacks = round.targets.slice(states.length).map((target) => new Float64Array(count * sizeOf(target!.shape)));
    const entry = (x: Float64Array, at: number) => x.subarray((at * x.length) / count, ((at + 1) * x.length) / count);
    for (let i = 0; i < count; i++) {
      const at = isReverse ? count - 1 - i : i;
      const values = new Map(names.map(({ name }, j) => [name, operands[j]!]));
      for (const [j, { name }] of ofRound.entries()) values.set(name, entry(operands[j]!, at));
      const gets = given.slice(first).map((x) => entry(x, at));
      const results = run(round, ({ name }) => values.get(name)!, [...now, ...gets]);
      now = now.map((state, j) => (round.targets[j] ? results[j]! : new Float64Array(state.length)));
      for (const [j, stack] of stacks.entries()) stack.set(results[states.length + j]!, (at * stack.length) / count);
    }
    const ended = now.filter((_, i) => states[i]!.ends);
    return Float64Array.from([...ended, ...stacks].flatMap((part) => [...part]));
  },
};

/** The adjoint of a round, with a source that nothing reads for each state that is zero after the round. */
function ofAll({ sources: states, targets }: LinearProgram, adjoint: LinearProgram): LinearProgram {
  const own = adjoint.sources.values();
  const used = [...adjoint.sources, ...adjoint.steps.map(({ output }) => output)];
  let nextId = used.reduce((most, { id }) => Math.max(most, id), -1) + 1;
  const sources = targets.map(
    (target, i): LinearVar => (target ? own.next().value! : { id: nextId++, shape: states[i]!.shape }),
  );
  return { ...adjoint, sources };
}

/** The names of what the states begin with. */
function startsOf(e: StepEmitter, { attributes: { round, states } }: Step<"repeat">): string[] {
  let at = 0;
  return states.map(({ starts }, i) => (starts ? e.input(at++) : e.zeroTangent(round.sources[i]!.shape)));
}
