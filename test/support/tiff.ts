/** A TIFF with one strip, uncompressed and little-endian. */
export interface Tiff {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Bits of a sample. */
  readonly bits: number;
  /** Samples of a pixel. */
  readonly samples: number;
  readonly photometric: number;
  /** SampleFormat; left out unless given. */
  readonly format?: number;
  /** ExtraSamples; left out unless given. */
  readonly extra?: readonly number[];
  readonly inkSet?: number;
}

const [SHORT, LONG] = [3, 4];

/** The bytes of a TIFF file, written after the standard (TIFF 6.0, section 2). */
export function writeTiff({
  width,
  height,
  data,
  bits,
  samples,
  photometric,
  format,
  extra,
  inkSet,
}: Tiff): Uint8Array {
  const each = (value: number) => new Array<number>(samples).fill(value);
  const tags: [tag: number, type: number, values: readonly number[]][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, each(bits)],
    [259, SHORT, [1]],
    [262, SHORT, [photometric]],
    [273, LONG, [8]],
    [277, SHORT, [samples]],
    [278, LONG, [height]],
    [279, LONG, [data.length]],
    [284, SHORT, [1]],
  ];
  if (inkSet !== undefined) tags.push([332, SHORT, [inkSet]]);
  if (extra !== undefined) tags.push([338, SHORT, extra]);
  if (format !== undefined) tags.push([339, SHORT, each(format)]);

  const directory = 8 + 2 * Math.ceil(data.length / 2);
  let free = directory + 2 + 12 * tags.length + 4;
  const bytes = new Uint8Array(free + 8 * samples * tags.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directory, true);
  bytes.set(data, 8);
  view.setUint16(directory, tags.length, true);
  for (const [i, [tag, type, values]] of tags.entries()) {
    const at = directory + 2 + 12 * i;
    const size = type === SHORT ? 2 : 4;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, values.length, true);
    const isInline = size * values.length <= 4;
    const to = isInline ? at + 8 : free;
    for (const [j, value] of values.entries()) {
      if (type === SHORT) view.setUint16(to + size * j, value, true);
      else view.setUint32(to + size * j, value, true);
    }
    if (isInline) continue;
    view.setUint32(at + 8, free, true);
    free += size * values.length;
  }
  return bytes;
}
