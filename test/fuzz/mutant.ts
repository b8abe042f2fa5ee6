import { mutateBytes } from "./bytes.ts";
import { BLOCK, drawBlock, type Mutator, pick, type Recipe } from "./edits.ts";
import { mutateJson } from "./json.ts";
import { mutatePng, mutateTiff } from "./pictures.ts";
import { mutateMessage } from "./protobuf.ts";
import type { Seed } from "./seeds.ts";
import { mutateText } from "./text.ts";

/** How files are changed, by their ending; each edit chooses one of the ways. */
const mutators: Readonly<Record<string, readonly Mutator[]>> = {
  onnx: [mutateMessage, mutateMessage, mutateMessage, mutateBytes],
  caffemodel: [mutateMessage, mutateMessage, mutateBytes],
  binaryproto: [mutateMessage, mutateBytes],
  prototxt: [mutateText, mutateText, mutateText, mutateBytes],
  json: [mutateJson, mutateJson, mutateJson, mutateText, mutateBytes],
  tsv: [mutateText, mutateText, mutateBytes],
  npy: [mutateText, mutateBytes],
  png: [mutatePng, mutatePng, mutateBytes],
  tif: [mutateTiff, mutateTiff, mutateBytes],
};

const bytesAlone: readonly Mutator[] = [mutateBytes];

/** Mutant `index` of a seed. */
export function mutantAt(seeds: readonly Seed[], seed: number, index: number): Seed {
  return mutated(seeds, pick(recipesOf(seed, Math.floor(index / BLOCK)), index % BLOCK));
}

let latest: { readonly key: string; readonly recipes: readonly Recipe[] } = { key: "", recipes: [] };

/** The recipes of a block, which is drawn once for all its mutants. */
function recipesOf(seed: number, block: number): readonly Recipe[] {
  const key = `${seed} ${block}`;
  if (latest.key !== key) latest = { key, recipes: drawBlock(seed, block) };
  return latest.recipes;
}

function mutated(seeds: readonly Seed[], { file, part, edits }: Recipe): Seed {
  const own = pick(seeds, file);
  const names = Object.keys(own);
  const name = pick(names, part);
  const ways = mutators[name.split(".").at(-1)!] ?? bytesAlone;
  const others = seeds.map((other) => other[name] ?? own[name]!);
  const bytes = edits.reduce((so, edit) => pick(ways, edit.how >>> 8)(so, edit, others), own[name]!);
  return { ...own, [name]: bytes };
}
