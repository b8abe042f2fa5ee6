import fc from "fast-check";

/** One change of a file, as numbers that every format reads in its own way: what is done, where, and with what. */
export interface Edit {
  readonly how: number;
  readonly at: number;
  readonly other: number;
  /** Chooses among what often breaks readers, or is used as it is. */
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** What is made of a file: a seed by its number, which of its files is changed, and how. */
export interface Recipe {
  readonly file: number;
  readonly part: number;
  readonly edits: readonly Edit[];
}

const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.nat(),
  at: fc.nat(),
  other: fc.nat(),
  value: fc.nat(),
  bytes: fc.uint8Array({ maxLength: 8 }),
});

const recipe: fc.Arbitrary<Recipe> = fc.record({
  file: fc.nat(),
  part: fc.nat(),
  edits: fc.array(edit, { minLength: 1, maxLength: 5, size: "max" }),
});

/** So many mutants are drawn at once. */
export const BLOCK = 100;

/** The recipes of one block of mutants. They depend on the seed and the number of the block alone. */
export function drawBlock(seed: number, block: number): Recipe[] {
  const mixed = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(block + 1, 0x85ebca6b)) | 0;
  return fc.sample(recipe, { seed: mixed, numRuns: BLOCK });
}

/** Changes a file; `others` are files of the same kind, to take parts from. */
export type Mutator = (bytes: Uint8Array, edit: Edit, others: readonly Uint8Array[]) => Uint8Array;

/** One of several by a number. */
export const pick = <T>(list: readonly T[], number: number): T => list[number % list.length]!;

/** No mutant is larger, so that bounds on time and memory say something. */
export const LARGEST = 2 ** 20;

/** How often something is repeated. Mutants of the largest size are few, because they take the most time. */
export const repeats: readonly number[] = [
  ...[2, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 16, 20, 30, 50, 100, 200, 1000],
  LARGEST,
];

/** Whole numbers at which formats, types and loops end. */
export const integers: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 16n, 127n, 128n, 255n, 256n, 1000n, 32767n, 65535n, 65536n, 1_000_000n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 62n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -1n, -2n, -(2n ** 31n), -(2n ** 63n)],
];

/** Texts that are paths out of a folder, numbers in other notations, or names that every object in JavaScript has. */
export const texts: readonly string[] = [
  ...["", ".", "..", "/", "../canary.bin", "./../canary.bin", "a/../../canary.bin", "..\\canary.bin", "link.bin"],
  ...[
    "folder/canary.bin",
    "/etc/hostname",
    "C:\\canary.bin",
    "file:../canary.bin",
    "%2e%2e/canary.bin",
    "~/canary.bin",
  ],
  ...[
    "weights.bin",
    "./weights.bin",
    "weights.bin/",
    "weights.bin\0",
    "weights.bin\0/../../canary.bin",
    "a".repeat(5000),
  ],
  ...[
    "0",
    "-1",
    "1",
    "0.5",
    "1e3",
    "1e400",
    "0x10",
    "NaN",
    "Infinity",
    "-0",
    "9007199254740993",
    "18446744073709551615",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "\ufeff",
    "é",
    "\ud800",
    "\0",
    "\n",
    "#",
    "'",
    '"',
    "\\",
  ],
];
