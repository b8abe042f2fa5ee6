/** What a TIFF file states about its samples. Missing tags have the defaults of the standard. */
interface TiffHeader {
  /** Bits of each sample of a pixel. */
  readonly bits: readonly number[];
  /** 1 unsigned, 2 signed, 3 floating point, 4 undefined, 5 complex integer, 6 complex floating point. */
  readonly format: readonly number[];
  readonly photometric: number;
  readonly compression: number;
  readonly samples: number;
  /** The meaning of each sample after the colours: 0 unspecified, 1 premultiplied transparency, 2 transparency. */
  readonly extra: readonly number[];
  readonly inkSet: number;
}

const [BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, INK_SET, EXTRA, FORMAT] = [258, 259, 262, 277, 332, 338, 339] as const;
const known: ReadonlySet<number> = new Set([BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, INK_SET, EXTRA, FORMAT]);

/** Values of PhotometricInterpretation and of Compression. */
const [CMYK, YCBCR, JPEG] = [5, 6, 7] as const;

/** Samples of a colour, by the tag PhotometricInterpretation: grey, RGB, palette, CMYK and YCbCr. */
const coloursOf: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, [CMYK]: 4, [YCBCR]: 3 };

const otherColours: Readonly<Record<number, string>> = {
  4: "a transparency mask",
  8: "in the colour space CIELAB",
  9: "in the colour space CIELAB",
  10: "in the colour space CIELAB",
  32803: "the raw data of a camera's sensor",
  32844: "in the colour space LogLuv",
  32845: "in the colour space LogLuv",
  34892: "the raw data of a camera's sensor",
};

const otherFormats: Readonly<Record<number, string>> = {
  2: "signed integers",
  3: "floating-point numbers",
  5: "complex numbers",
  6: "complex numbers",
};

const PLAIN_BITS = new Set([1, 2, 4, 8, 16]);

/**
 * Why the black and white levels of a TIFF file are not known, as the end of a sentence "This picture …". `undefined` if they are known,
 * and for a file that is not a TIFF or has an unreadable header.
 *
 * @see TIFF 6.0, 1992; BigTIFF
 */
export function tiffObstacle(bytes: Uint8Array): string | undefined {
  const header = readHeader(bytes);
  if (header === undefined) return undefined;
  const { bits, format, photometric, compression, samples, extra, inkSet } = header;
  const odd = format.map((code) => otherFormats[code]).find((name) => name !== undefined);
  if (odd !== undefined) return `holds ${odd} of ${bits[0]} bits`;
  const wide = bits.find((count) => !PLAIN_BITS.has(count));
  if (wide !== undefined) return `holds integers of ${wide} bits`;
  const colours = coloursOf[photometric];
  if (colours === undefined) return `is ${otherColours[photometric] ?? `in an unknown colour space (${photometric})`}`;
  if (photometric === YCBCR && compression !== JPEG) return "holds luma and chroma (YCbCr) that are not JPEG";
  if (photometric === CMYK && inkSet !== 1) return "is printed with other inks than cyan, magenta, yellow and black";
  const beyond = samples - colours;
  if (beyond > 1 || beyond < 0) return `has ${samples} channels`;
  const isTransparency = extra.length === 1 && (extra[0] === 1 || extra[0] === 2);
  if (beyond === 1 && !isTransparency) return `has ${samples} channels and does not say that the last is transparency`;
  return undefined;
}

/** Bytes of a tag's entries, by type: those of whole numbers alone. */
const widths: Readonly<Record<number, 1 | 2 | 4>> = { 1: 1, 3: 2, 4: 4 };

function readHeader(bytes: Uint8Array): TiffHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  if (bytes.length < 16 || bytes[0] !== bytes[1] || !(little || bytes[0] === 0x4d)) return undefined;
  const version = view.getUint16(2, little);
  if (version !== 42 && version !== 43) return undefined;
  const isBig = version === 43;
  const offsetAt = (at: number) => (isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  try {
    const start = offsetAt(isBig ? 8 : 4);
    const count = isBig ? Number(view.getBigUint64(start, little)) : view.getUint16(start, little);
    const [first, length] = isBig ? [start + 8, 20] : [start + 2, 12];
    const tags = new Map<number, readonly number[]>();
    for (let i = 0; i < count; i++) {
      const at = first + i * length;
      const width = widths[view.getUint16(at + 2, little)];
      const entries = offsetAt(at + 4);
      if (width === undefined || entries > bytes.length) continue;
      const inline = at + (isBig ? 12 : 8);
      const from = width * entries <= (isBig ? 8 : 4) ? inline : offsetAt(inline);
      const read = { 1: view.getUint8, 2: view.getUint16, 4: view.getUint32 }[width].bind(view);
      const tag = view.getUint16(at, little);
      if (known.has(tag))
        tags.set(
          tag,
          Array.from({ length: entries }, (_, j) => read(from + width * j, little)),
        );
    }
    const one = (tag: number, otherwise: number) => tags.get(tag)?.[0] ?? otherwise;
    return {
      bits: tags.get(BITS) ?? [1],
      format: tags.get(FORMAT) ?? [1],
      photometric: one(PHOTOMETRIC, 1),
      compression: one(COMPRESSION, 1),
      samples: one(SAMPLES, 1),
      extra: tags.get(EXTRA) ?? [],
      inkSet: one(INK_SET, 1),
    };
  } catch (cause) {
    // An offset beyond the end: the decoder says what is damaged.
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}
