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
    const ct = l.add(...(contributions.get(step.output.id) ?? []));
    if (ct === undefined) continue;
    const definition = linearOps[step.op] as Definition<LinearOp>;
    const cotangents = definition.transpose(l, ct, step);
    step.inputs.forEach((input, i) => {
      contribute(input, cotangents[i]);
    });
  }
  return l.finish(program.sources.map((source) => l.add(...(contributions.get(source.id) ?? []))));
}
