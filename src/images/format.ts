/** The format of a file, by its first bytes. */
interface PictureFormat {
  /** With its article, for "This is …". */
  readonly name: string;
  /** Whether pictures of this format are decoded. */
  readonly isRead: boolean;
}

const read = (name: string): PictureFormat => ({ name, isRead: true });
const other = (name: string): PictureFormat => ({ name, isRead: false });

/** Offset, the bytes there (one character for each), and the format. */
const magics: readonly (readonly [number, string, PictureFormat])[] = [
  [0, "\x89PNG\r\n\x1a\n", read("a PNG picture")],
  [0, "\xff\xd8\xff", read("a JPEG picture")],
  [0, "GIF8", read("a GIF picture")],
  [8, "WEBP", read("a WebP picture")],
  [0, "II\x2a\0", read("a TIFF picture")],
  [0, "MM\0\x2a", read("a TIFF picture")],
  [0, "II\x2b\0", read("a TIFF picture")],
  [0, "MM\0\x2b", read("a TIFF picture")],
  [0, "\x76\x2f\x31\x01", other("an OpenEXR picture")],
  [0, "#?RADIANCE", other("a Radiance HDR picture")],
  [0, "#?RGBE", other("a Radiance HDR picture")],
  [0, "BM", other("a BMP picture")],
  [0, "8BPS", other("a Photoshop file")],
  [0, "\0\0\x01\0", other("an icon (ICO)")],
  [0, "\0\0\0\x0cjP  ", other("a JPEG 2000 picture")],
  [0, "\xff\x4f\xff\x51", other("a JPEG 2000 picture")],
  [0, "\xff\x0a", other("a JPEG XL picture")],
  [0, "\0\0\0\x0cJXL ", other("a JPEG XL picture")],
  [0, "II\xbc\x01", other("a JPEG XR picture")],
  [0, "%PDF", other("a PDF document")],
  [0, "\x93NUMPY", other("a NumPy array without the ending .npy")],
  [0, "PK\x03\x04", other("a ZIP archive")],
  [0, "\x1f\x8b", other("a gzip archive")],
  [0, "\x89HDF", other("an HDF5 file")],
];

/** Brands of the container that AVIF, HEIC and videos share. */
const brands: readonly (readonly [RegExp, PictureFormat])[] = [
  [/^avi[fs]$/, read("an AVIF picture")],
  [/^he(i[cxms]|v[cxms])$/, other("a HEIC picture")],
  [/^(qt {2}|isom|iso\d|mp4\d|M4V )$/, other("a video")],
];

/** The format of a picture; `undefined` if the bytes do not begin like any known format. */
export function pictureFormat(bytes: Uint8Array): PictureFormat | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const magic = magics.find(([at, text]) => head.startsWith(text, at));
  if (magic !== undefined) return magic[2];
  if (head.startsWith("ftyp", 4)) {
    const own = [8, 16, 20, 24, 28, 32].map((at) => head.slice(at, at + 4));
    const brand = brands.find(([pattern]) => own.some((name) => pattern.test(name)));
    return brand?.[1] ?? other("a picture or video in an unknown format");
  }
  return inText(head.replace(/^\xef\xbb\xbf/, "").trimStart());
}

function inText(text: string): PictureFormat | undefined {
  if (/^<(svg|[?!].*<svg)/is.test(text)) return other("an SVG drawing");
  if (/^<(!DOCTYPE html|html|head|body)/i.test(text)) return other("a web page");
  if (text.startsWith("version https://git-lfs")) return other("a pointer of Git LFS instead of the file");
  return /^P[1-7fF]\s/.test(text) ? other("a Netpbm picture") : undefined;
}
