import sharp from "sharp";

/** A drawing as PNG, at twice its size. */
export async function toPng(svg: string): Promise<Uint8Array> {
  return sharp(new TextEncoder().encode(svg), { density: 144 }).png().toBuffer();
}
