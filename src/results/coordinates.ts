import { sizeOf } from "../base/index.ts";
import { fillChunk, writeChunk, writeTexts } from "./arrays.ts";
import { quantities } from "./columns.ts";
import type { Layout } from "./layout.ts";
import type { Store } from "./store.ts";
import type { InputRecord, RunManifest } from "./types.ts";

/**
 * Writes the coordinates: the names of inputs and taps, and so on. For a run that grows, it writes the texts of the inputs from index
 * `from` on, and those that have changed.
 */
export async function writeCoordinates(
  store: Store,
  manifest: RunManifest,
  layout: Layout,
  { from, earlier }: { readonly from: number; readonly earlier: readonly InputRecord[] },
): Promise<void> {
  const { inputs, taps } = manifest;
  if (from === 0) {
    await writeTexts(
      store,
      layout.tap,
      taps.map(({ name }) => name),
    );
    await writeChunk(
      store,
      layout.k,
      Int32Array.from({ length: layout.k.metadata.shape[0]! }, (_, i) => i + 1),
    );
    await writeChunk(
      store,
      layout.m,
      Int32Array.from(taps, ({ shape }) => sizeOf(shape)),
    );
    await writeTexts(store, layout.quantity, quantities);
    await fillChunk(store, layout.n, sizeOf(manifest.from.shape));
  }
  const names = inputs.map(({ name }) => name);
  const labels = inputs.map(({ label = "" }) => label);
  const chunk = layout.input.metadata.chunk_grid.configuration.chunk_shape[0]!;
  for (let start = 0; start < inputs.length; start += chunk) {
    const texts = (of: readonly string[]) => Array.from({ length: chunk }, (_, i) => of[start + i] ?? "");
    if (start + chunk > from) {
      await writeTexts(store, layout.input, texts(names), start / chunk);
      for (const layouts of layout.vectors)
        if (layouts !== undefined) await writeTexts(store, layouts.input, texts(names), start / chunk);
    }
    const before = Array.from({ length: chunk }, (_, i) => earlier[start + i]?.label ?? "");
    if (start + chunk > from || texts(labels).some((label, i) => label !== before[i])) {
      await writeTexts(store, layout.label, texts(labels), start / chunk);
    }
  }
  for (const [i, { predicted = "", failed = "" }] of inputs.entries()) {
    const before = earlier[i];
    if (predicted !== (before?.predicted ?? "")) await writeTexts(store, layout.predicted, [predicted], i);
    if (failed !== (before?.failed ?? "")) await writeTexts(store, layout.failed, [failed], i);
  }
}
