import { sizeOf } from "../../../base/index.ts";
import { fitTo, type Preprocess, presets } from "../../../images/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import { readsOf } from "../../../onnx/index.ts";
import type { NetworkDescription, Preprocessing, PresetDescription, TapDescription } from "./answers.ts";

/** The preprocessing in use, or why there is none. */
export interface ChosenPreset {
  /** Adapted to the network; absent if none can be guessed. */
  readonly preset?: Preprocess;
  readonly told: Preprocessing;
}

export function describeNetwork(network: Network, { preset, told }: ChosenPreset): Omit<NetworkDescription, "notes"> {
  const { file, identity, inputs, input, source, output, classCount, backend } = network;
  return {
    file,
    sha256: identity.sha256,
    inputs: inputs.map(({ name, type, shape }) => ({ name, type, shape })),
    input: input.name,
    source: source.name,
    output: output.name,
    taps: describeTaps(network),
    classCount,
    preprocessing: told,
    presets: describePresets(input.shape, preset),
    backend: backend.description,
  };
}

function describeTaps(network: Network): TapDescription[] {
  const { taps, source } = network;
  const next = edgesBetween(network);
  return taps.map((tap, i) => {
    const { name, op, shape, cut } = tap;
    const hasJacobian =
      tap !== source &&
      network.isFloat(source) &&
      network.moves(source, tap) &&
      network.unsupported(source, tap).length === 0;
    return { name, op, shape, size: sizeOf(shape), cut, next: next[i]!, hasJacobian };
  });
}

/** For each tap the taps that follow from it with no tap in between, as indices. */
function edgesBetween({ taps, model }: Network): readonly (readonly number[])[] {
  const placeOf = new Map(taps.map(({ tensor }, i) => [tensor, i]));
  /** By tensor: the taps from which a path leads to it without another tap in between. */
  const before = new Map<string, ReadonlySet<number>>();
  const next = taps.map(() => new Set<number>());
  for (const { tensor } of taps) if (!behindNode(tensor)) before.set(tensor, new Set([placeOf.get(tensor)!]));
  for (const node of model.onnx.graph.nodes) {
    const sources = new Set(readsOf(node).flatMap((name) => [...(before.get(name) ?? [])]));
    for (const output of node.outputs) {
      const place = placeOf.get(output);
      if (place === undefined) before.set(output, sources);
      else {
        for (const source of sources) next[source]!.add(place);
        before.set(output, new Set([place]));
      }
    }
  }
  return next.map((places) => [...places].sort((a, b) => a - b));

  function behindNode(tensor: string): boolean {
    return model.onnx.graph.nodes.some(({ outputs }) => outputs.includes(tensor));
  }
}

/** The presets with a name, and the one in use where it is another. */
function describePresets(shape: readonly number[], used: Preprocess | undefined): PresetDescription[] {
  const known = Object.values(presets).map((preset: Preprocess) => ({
    name: preset.name,
    unit: preset.unit,
    fits: fits(preset, shape),
  }));
  const isOther = used !== undefined && !known.some(({ name }) => name === used.name);
  return isOther ? [{ name: used.name, unit: used.unit, fits: true }, ...known] : known;
}

function fits(preset: Preprocess, shape: readonly number[]): boolean {
  try {
    fitTo(preset, shape);
    return true;
  } catch {
    return false;
  }
}
