/** A positive number to a number of significant bits. */
export function rounded(x: number, bits: number): number {
  const unit = 2 ** (Math.floor(Math.log2(x)) + 1 - bits);
  return Math.round(x / unit) * unit;
}
