import { ProgramBuilder } from "./builder.ts";
import { linearOps } from "./linear-ops/table.ts";
import type { Definition, LinearOp, LinearProgram, LinearVar, Tangent } from "./program.ts";

/**
 * The adjoint program, with sources and targets exchanged: ⟨u, P v⟩ = ⟨Pᵀ u, v⟩ holds by construction.
 *
 * Shapes: a target that is zero by structure has no source in the adjoint.
 *
 * @see Radul et al. 2022, "You Only Linearize Once"
 */
export function transpose(program: LinearProgram): LinearProgram {
  const l = new ProgramBuilder();
  const contributions = new Map<number, Tangent[]>();
  const contribute = (x: LinearVar, ct: Tangent) => {
    const known = contributions.get(x.id);
    if (known) known.push(ct);
    else contributions.set(x.id, [ct]);
  };
  for (const target of program.targets) {
    if (target !== undefined) contribute(target, l.source(target.shape));
  }
  for (const step of [...program.steps].reverse()) {
    const ct = sumOf(l, contributions.get(step.output.id) ?? []);
    if (ct === undefined) continue;
    const definition = linearOps[step.op] as Definition<LinearOp>;
    const cotangents = definition.transpose(l, ct, step, transpose);
    step.inputs.forEach((input, i) => {
      contribute(input, cotangents[i]);
    });
  }
  return l.finish(program.sources.map((source) => sumOf(l, contributions.get(source.id) ?? [])));
}

/**
 * The sum of some cotangents. Those that are padded with zeros along one axis, as the cotangents of slices are, are joined where they
 * do not overlap: each is then written once, and not added to a tensor of the whole size.
 */
function sumOf(l: ProgramBuilder, terms: readonly Tangent[]): Tangent {
  const present = terms.filter((term) => term !== undefined);
  const padded = present.flatMap((term) => {
    const step = l.makerOf(term);
    return step?.op === "pad" ? [{ term, x: step.inputs[0]!, ...step.attributes }] : [];
  });
  if (padded.length < 2) return l.add(...present);
  const joined: Tangent[] = [];
  const taken = new Set<LinearVar>();
  for (const axis of new Set(padded.map((one) => one.axis))) {
    const rest = padded.filter((one) => one.axis === axis).sort((a, b) => a.before - b.before);
    while (rest.length > 1) {
      const row = withoutOverlap(rest);
      for (const one of row) rest.splice(rest.indexOf(one), 1);
      if (row.length < 2) continue;
      for (const { term } of row) taken.add(term);
      joined.push(join(l, row));
    }
  }
  return l.add(...joined, ...present.filter((term) => !taken.has(term)));
}

/** A cotangent with zeros before and after along an axis. */
interface Padded {
  readonly x: LinearVar;
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

const endOf = ({ x, axis, before }: Padded): number => before + x.shape.at(axis)!;

/** Those that can stand beside each other, from the first on. They are sorted by where they start. */
function withoutOverlap<T extends Padded>(sorted: readonly T[]): T[] {
  const row: T[] = [];
  for (const one of sorted) if (row.length === 0 || one.before >= endOf(row.at(-1)!)) row.push(one);
  return row;
}

/** Their sum, where each keeps only the zeros up to the one before it; the last keeps those after it. */
function join(l: ProgramBuilder, row: readonly Padded[]): Tangent {
  const parts = row.flatMap(({ x, axis, before, after }, i) => {
    const gap = before - (i === 0 ? 0 : endOf(row[i - 1]!));
    return l.pad(x, axis, gap, i === row.length - 1 ? after : 0) ?? [];
  });
  return l.concat(parts, row[0]!.axis);
}
