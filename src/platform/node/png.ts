import { loadSharp } from "./load-sharp.ts";

/** A drawing as PNG, at twice its size. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(new TextEncoder().encode(svg), { density: 144 }).png().toBuffer();
}
