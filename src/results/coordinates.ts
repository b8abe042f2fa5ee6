import { sizeOf } from "../base/index.ts";
import { chunkKey, numbersChunk, textsChunk, writeTexts } from "./arrays.ts";
import { quantities } from "./columns.ts";
import type { ArrayLayout, Layout } from "./layout.ts";
import type { Key, Store } from "./store.ts";
import type { InputRecord, RunManifest } from "./types.ts";

/** The chunks of the coordinates, which follow from the manifest: the names of inputs and taps, and so on. */
export function coordinateFiles({ inputs, taps, from }: RunManifest, layout: Layout): [Key, Uint8Array][] {
  const numbers = (array: ArrayLayout<"int32">, of: (index: number) => number): [Key, Uint8Array] => {
    const [length] = array.metadata.shape;
    return [chunkKey(array), numbersChunk(Int32Array.from({ length: length! }, (_, i) => of(i)))];
  };
  const ofInputs = (array: ArrayLayout<"string">, of: (input: InputRecord) => string): [Key, Uint8Array][] => {
    const together = array.metadata.chunk_grid.configuration.chunk_shape[0]!;
    return Array.from({ length: Math.ceil(inputs.length / together) }, (_, chunk) => {
      const some = Array.from({ length: together }, (_, i) => inputs[chunk * together + i]);
      return [chunkKey(array, chunk), textsChunk(some.map((input) => (input === undefined ? "" : of(input))))];
    });
  };
  return [
    [chunkKey(layout.tap), textsChunk(taps.map(({ name }) => name))],
    [chunkKey(layout.quantity), textsChunk(quantities)],
    numbers(layout.k, (index) => index + 1),
    numbers(layout.m, (tap) => sizeOf(taps[tap]!.shape)),
    numbers(layout.n, () => sizeOf(from.shape)),
    ...[layout.input, ...layout.vectors.flatMap((vectors) => vectors?.input ?? [])].flatMap((array) =>
      ofInputs(array, ({ name }) => name),
    ),
    ...ofInputs(layout.label, ({ label = "" }) => label),
  ];
}

/** Stores the notes on inputs, where they are not those of `earlier`. */
export async function writeNotes(
  store: Store,
  { inputs }: RunManifest,
  layout: Layout,
  earlier: readonly InputRecord[],
): Promise<void> {
  for (const [i, { predicted = "", failed = "" }] of inputs.entries()) {
    const before = earlier[i];
    if (predicted !== (before?.predicted ?? "")) await writeTexts(store, layout.predicted, [predicted], i);
    if (failed !== (before?.failed ?? "")) await writeTexts(store, layout.failed, [failed], i);
  }
}
