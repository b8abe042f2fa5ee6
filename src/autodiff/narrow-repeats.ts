import { ProgramBuilder } from "./builder.ts";
import { partsOf, sidesOf } from "./linear-ops/repeat.ts";
import type { LinearProgram, LinearVar, Rounds, Step, Tangent } from "./program.ts";

/** A recurrence of which less is computed. */
interface Narrowed {
  readonly step: Step<"repeat">;
  /** Where a part of the old output is in the new one, by where it begins. */
  readonly places: ReadonlyMap<number, number>;
}

/**
 * Leaves out of recurrences what is not read: parts of the output, and then the states, the entries and the operands that only these
 * depend on.
 */
export function narrowRepeats(program: LinearProgram): LinearProgram {
  const narrow = new Map<number, Narrowed>();
  for (const step of program.steps) {
    if (step.op === "repeat") narrow.set(step.output.id, narrowed(step, readOf(step, program)));
  }
  if (narrow.size === 0) return program;
  const l = new ProgramBuilder();
  const made = new Map<number, Tangent>(program.sources.map((x) => [x.id, l.source(x.shape)]));
  const again = (x: LinearVar) => made.get(x.id)!;
  for (const step of program.steps) {
    const own = narrow.get(step.output.id)?.step;
    const places = step.op === "slice" ? narrow.get(step.inputs[0]!.id)?.places : undefined;
    const { output } = step;
    if (own !== undefined) made.set(output.id, l.repeat(own.inputs.map(again), own.operands, own.attributes));
    else if (step.op === "slice" && places !== undefined) {
      const { axis, start, size } = step.attributes;
      made.set(output.id, l.slice(again(step.inputs[0]!), axis, places.get(start)!, size));
    } else made.set(output.id, l.again(step, step.inputs.map(again)));
  }
  return l.finish(program.targets.map((target) => target && made.get(target.id)));
}

/** Where the parts of a step's output begin that are read; all of them, unless only whole parts are sliced out. */
function readOf({ output, attributes }: Step<"repeat">, { steps, targets }: LinearProgram): Set<number> {
  const parts = partsOf(sidesOf(attributes).outputs);
  const sizes = new Map(parts.map(({ start, size }) => [start, size]));
  const users = steps.filter(({ inputs }) => inputs.includes(output));
  const starts = users.flatMap((step) =>
    step.op === "slice" && sizes.get(step.attributes.start) === step.attributes.size ? [step.attributes.start] : [],
  );
  const isWhole = starts.length < users.length || targets.includes(output);
  return new Set(isWhole ? sizes.keys() : starts);
}

function narrowed(step: Step<"repeat">, read: ReadonlySet<number>): Narrowed {
  const { attributes: rounds, inputs, operands } = step;
  const { round, states, ofRound } = rounds;
  const parts = partsOf(sidesOf(rounds).outputs);
  const ending = states.flatMap(({ ends }, i) => (ends ? [i] : []));
  const given = round.targets.slice(states.length).keys();
  const positions = [...ending, ...[...given].map((i) => states.length + i)];
  const wanted = new Set(positions.filter((_, i) => read.has(parts[i]!.start)));
  const ended = new Set(wanted);
  let needed = neededFor(round, wanted);
  for (let size = -1; size !== wanted.size; ) {
    size = wanted.size;
    for (const i of states.keys()) if (needed.has(round.sources[i]!.id)) wanted.add(i);
    needed = neededFor(round, wanted);
  }
  const steps = round.steps.filter(({ output }) => needed.has(output.id));
  const isUsed = (i: number) => needed.has(round.sources[i]!.id);
  const keptStates = [...states.keys()].filter((i) => wanted.has(i));
  const gets = [...round.sources.keys()].filter((i) => i >= states.length && isUsed(i));
  const used = new Set(steps.flatMap((own) => own.operands.map(({ name }) => name)));
  const isRead = operands.map(({ name }, i) => used.has(ofRound[i]?.name ?? name));
  const attributes: Rounds = {
    ...rounds,
    round: {
      sources: [...keptStates, ...gets].map((i) => round.sources[i]!),
      targets: [...round.targets.keys()].filter((i) => wanted.has(i)).map((i) => round.targets[i]),
      steps,
    },
    states: keptStates.map((i) => ({ starts: states[i]!.starts && isUsed(i), ends: ended.has(i) })),
    ofRound: ofRound.filter((_, i) => isRead[i]),
  };
  const starting = states.flatMap(({ starts }, i) => (starts ? [i] : []));
  const places = [...starting, ...[...round.sources.keys()].slice(states.length)];
  const isKept = (i: number) => isUsed(i) && (i >= states.length || wanted.has(i));
  const old = parts.filter(({ start }) => read.has(start));
  const now = partsOf(old.map(({ shape }) => shape));
  return {
    step: {
      ...step,
      attributes,
      inputs: inputs.filter((_, i) => isKept(places[i]!)),
      operands: operands.filter((_, i) => isRead[i]),
    },
    places: new Map(old.map(({ start }, i) => [start, now[i]!.start])),
  };
}

/** The ids of the tangents that some targets of a program depend on. */
function neededFor({ targets, steps }: LinearProgram, wanted: ReadonlySet<number>): Set<number> {
  const needed = new Set([...wanted].flatMap((i) => targets[i]?.id ?? []));
  for (const { inputs, output } of steps.toReversed()) {
    if (needed.has(output.id)) for (const { id } of inputs) needed.add(id);
  }
  return needed;
}
