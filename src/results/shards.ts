/** The index entry of an inner chunk that is not stored. */
const ABSENT = 2n ** 64n - 1n;

/**
 * A shard: the inner chunks that are given, in their order, and an index of all `count` at its end. The index has offset and length of
 * each in 64 bits, little-endian, and then its CRC-32C.
 *
 * @see the codec `sharding_indexed` of Zarr 3, which zarrita reads and does not write
 */
export function encodeShard(chunks: readonly Uint8Array[], count: number): Uint8Array {
  const body = chunks.reduce((sum, { length }) => sum + length, 0);
  const shard = new Uint8Array(body + 16 * count + 4);
  const index = new DataView(shard.buffer, body);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const chunk = chunks[i];
    index.setBigUint64(16 * i, chunk === undefined ? ABSENT : BigInt(at), true);
    index.setBigUint64(16 * i + 8, chunk === undefined ? ABSENT : BigInt(chunk.length), true);
    if (chunk === undefined) continue;
    shard.set(chunk, at);
    at += chunk.length;
  }
  index.setUint32(16 * count, crc32c(shard.subarray(body, body + 16 * count)), true);
  return shard;
}

/** The codecs of an array whose chunks are shards of inner chunks of this shape, as 4-byte or 8-byte numbers. */
export function shardingCodecs(inner: readonly number[]) {
  const bytes = { name: "bytes", configuration: { endian: "little" } };
  return [
    {
      name: "sharding_indexed",
      configuration: {
        chunk_shape: [...inner],
        codecs: [bytes],
        index_codecs: [bytes, { name: "crc32c", configuration: {} }],
        index_location: "end",
      },
    },
  ];
}

/** The reflected polynomial of Castagnoli, as in RFC 3720, appendix B.4. */
const POLYNOMIAL = 0x82f63b78;

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
