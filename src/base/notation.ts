const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const subscripts = "₀₁₂₃₄₅₆₇₈₉";

const inDigits = (digits: string, count: number): string =>
  [...String(Math.abs(count))].map((digit) => digits[Number(digit)]).join("");

/** `10⁻⁷`: a power of ten for axes and prose. */
export function powerOfTen(exponent: number): string {
  return `10${exponent < 0 ? "⁻" : ""}${inDigits(superscripts, exponent)}`;
}

/** `₁₂`: a whole number from 0 as an index, as in σ₁₂. */
export function subscript(index: number): string {
  return inDigits(subscripts, index);
}

/**
 * A number that JavaScript wrote, as it is printed for people: a true minus, and a power of ten for an exponent.
 *
 * `-0.35` becomes `−0.35`, `1.2e-5` becomes `1.2×10⁻⁵`, `1e-5` becomes `10⁻⁵`.
 */
export function typeset(written: string): string {
  const [mantissa = "", exponent] = written.split("e");
  const plain = mantissa.replace("-", "−");
  if (exponent === undefined) return plain;
  const power = powerOfTen(Number(exponent));
  const size = Number(mantissa);
  return Math.abs(size) === 1 ? `${size < 0 ? "−" : ""}${power}` : `${plain}×${power}`;
}

/** A measured number for people: `digits` significant ones, `1.2×10⁻⁵` outside 10⁻³ … 10⁵, `–` where there is none. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) {
    return typeset(String(size >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits))));
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e") as [string, string];
  return typeset(`${Number(mantissa)}e${exponent}`);
}

/** A count with commas between groups of three digits: `32,000`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 input`, `16 inputs`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A share from 0 to 1 in percent, to so many digits: `12.5 %`; `–` where there is none. */
export function formatShare(share: number, digits = 3): string {
  if (!Number.isFinite(share)) return "–";
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${Number((100 * share).toPrecision(digits))} %`;
}

/** `1.3 GB`, `85 MB` */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(Math.max(0, bytes) / 1e6)} MB`;
}
