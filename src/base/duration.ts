/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** From the least to the most that something is expected to take, in seconds. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** `less than 10 s`, `20 s to 2 min`, `about 3 h`: as exact as an expectation can be. */
export function formatRange({ low, high }: Range): string {
  const [least, most] = [roughly(low, Math.floor), roughly(high, Math.ceil)];
  if (least.startsWith("0 ")) return `less than ${most}`;
  return least === most ? `about ${most}` : `${least} to ${most}`;
}

/** Rounded to steps of 1 s, 5 s, 1 min, 5 min or half an hour, whichever is small against it. */
function roughly(seconds: number, round: (value: number) => number): string {
  const [step = 1800] = [1, 5, 60, 300].filter((_, i) => seconds < [10, 90, 1200, 10_800][i]!);
  const whole = step * round(seconds / step);
  if (whole < 90) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.round((whole % 3600) / 60)];
  const parts = [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : ""];
  return parts.filter((part) => part !== "").join(" ");
}
