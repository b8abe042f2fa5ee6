import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/images/index.ts";

/** A .npy file put together by hand: format version, header, entries. */
function npy(header: string, entries: ArrayBufferView, version: 1 | 2 = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  const body = new Uint8Array(entries.buffer, entries.byteOffset, entries.byteLength);
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...length, ...text, ...body]);
}

const header = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

describe("readNpy", () => {
  test.each([
    { descr: "<f4", entries: Float32Array.of(1.5, -2, 3) },
    { descr: "<f8", entries: Float64Array.of(1.5, -2, 3) },
    { descr: "|i1", entries: Int8Array.of(1, -2, 3) },
    { descr: "<i2", entries: Int16Array.of(1, -2, 3) },
    { descr: "<i4", entries: Int32Array.of(1, -2, 3) },
    { descr: "<i8", entries: BigInt64Array.of(1n, -2n, 3n) },
    { descr: "|u1", entries: Uint8Array.of(1, 255, 3) },
    { descr: "<u2", entries: Uint16Array.of(1, 65535, 3) },
    { descr: "<u4", entries: Uint32Array.of(1, 2, 3) },
    { descr: "<u8", entries: BigUint64Array.of(1n, 2n, 3n) },
  ])("reads $descr", ({ descr, entries }) => {
    for (const version of [1, 2] as const) {
      const { shape, data } = readNpy(npy(header(descr, "(3,)"), entries, version), "a.npy");
      expect(shape).toEqual([3]);
      expect(Array.from(data)).toEqual(Array.from<number | bigint, number>(entries, Number));
    }
  });

  test("reads shapes of any rank, and bytes that lie inside a larger buffer", () => {
    expect(readNpy(npy(header("<f4", "()"), Float32Array.of(7)), "a.npy").shape).toEqual([]);
    const bytes = npy(header("<f4", "(1, 2, 2)"), Float32Array.of(1, 2, 3, 4));
    const inside = new Uint8Array(bytes.length + 3);
    inside.set(bytes, 3);
    expect(readNpy(inside.subarray(3), "a.npy")).toEqual({ shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) });
  });

  const two = Float32Array.of(1, 2);
  test.each([
    { broken: "another file", bytes: new TextEncoder().encode("PK, and no array"), what: /not a NumPy/ },
    { broken: "only a beginning", bytes: npy(header("<f4", "(2,)"), two).subarray(0, 20), what: /header .* cut short/ },
    { broken: "too few entries", bytes: npy(header("<f4", "(3, 1)"), two), what: /cut short: 3×1 entries/ },
    { broken: "big-endian", bytes: npy(header(">f4", "(2,)"), two), what: /big-endian/ },
    { broken: "Fortran order", bytes: npy(header("<f4", "(2, 1)", "True"), two), what: /Fortran order/ },
    { broken: "complex", bytes: npy(header("<c8", "(1,)"), two), what: /the type c8/ },
    { broken: "half", bytes: npy(header("<f2", "(4,)"), two), what: /the type f2/ },
    { broken: "a record", bytes: npy(header("x", "(1,)").replace("'x'", "[('a', '<f4')]"), two), what: /not plain/ },
  ])("refuses $broken", ({ bytes, what }) => {
    const refusal = { code: "file-unreadable", where: { file: "b.npy" }, what: expect.stringMatching(what) };
    expect(() => readNpy(bytes, "b.npy")).toThrow(expect.objectContaining(refusal));
  });

  test("refuses what is not finite in float32", () => {
    expect(() => readNpy(npy(header("<f8", "(2,)"), Float64Array.of(1, 1e300)), "b.npy")).toThrow(
      expect.objectContaining({ code: "not-finite", what: "Entry 1 of this array is Infinity in float32." }),
    );
  });
});

describe("writeNpy", () => {
  test.each([{ shape: [] }, { shape: [6] }, { shape: [2, 3] }, { shape: [1, 2, 3, 1] }])(
    "writes $shape",
    ({ shape }) => {
      const data = Float32Array.from({ length: shape.length === 0 ? 1 : 6 }, (_, i) => i / 3);
      const bytes = writeNpy({ shape, data });
      expect(readNpy(bytes, "a.npy")).toEqual({ shape, data });
      expect((bytes.length - 4 * data.length) % 64).toBe(0); // NumPy aligns the entries so
    },
  );

  test("refuses numbers that do not fill the shape", () => {
    expect(() => writeNpy({ shape: [2, 2], data: Float32Array.of(1) })).toThrow("1 numbers do not fill 2×2.");
  });
});
