import { type Edit, integers, LARGEST, type Mutator, pick, repeats, texts } from "./edits.ts";

type Change = (bytes: Uint8Array, at: number, edit: Edit, others: readonly Uint8Array[]) => Uint8Array;

export const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const lengths = [1, 2, 4, 8, 16, 64, 256, 4096];

/** The bytes with those from `at` on replaced by others of the same number. */
function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(by.subarray(0, Math.max(0, bytes.length - at)), at);
  return copy;
}

const changes: readonly Change[] = [
  (bytes, at, { value }) => overwritten(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (value % 8)))),
  (bytes, at, { value }) => overwritten(bytes, at, Uint8Array.of(pick([0, 1, 0x7f, 0x80, 0xff], value))),
  (bytes, at, edit) => join([bytes.subarray(0, at), edit.bytes, bytes.subarray(at)]),
  (bytes, at, edit) => overwritten(bytes, at, edit.bytes),
  (bytes, at, { value }) => join([bytes.subarray(0, at), bytes.subarray(at + pick(lengths, value))]),
  (bytes, at) => bytes.slice(0, at),
  (bytes, at) => bytes.slice(at),
  (bytes, at, { value, other }) => {
    const part = bytes.subarray(at, at + pick(lengths, value));
    const length = Math.min(pick(repeats, other) * part.length, LARGEST);
    return join([bytes.subarray(0, at), part.length > 0 ? Buffer.alloc(length, part) : part, bytes.subarray(at)]);
  },
  (bytes, at, { value }) => overwritten(bytes, at, new Uint8Array(pick(lengths, value))),
  (bytes, at, { other }, others) => {
    const tail = pick(others, other);
    return join([bytes.subarray(0, at), tail.subarray(other % (tail.length + 1))]);
  },
  (bytes, at, { value, other }) => {
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(BigInt.asUintN(64, pick(integers, value)));
    const width = pick([2, 4, 8], other);
    const own = number.subarray(0, width);
    return overwritten(bytes, at, other % 2 === 0 ? own : Uint8Array.from(own).reverse());
  },
  (bytes, at, { value }) => overwritten(bytes, at, Buffer.from(pick(texts, value))),
];

/** Changes bytes, whatever they mean. */
export const mutateBytes: Mutator = (bytes, edit, others) =>
  pick(changes, edit.how)(bytes, edit.at % (bytes.length + 1), edit, others);
