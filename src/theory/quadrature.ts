/** Nodes and weights of the Gauss-Legendre rule with 16 points on [−1, 1], the positive half. */
const NODES = [
  0.0950125098376374, 0.2816035507792589, 0.4580167776572274, 0.6178762444026438, 0.755404408355003, 0.8656312023878318,
  0.9445750230732326, 0.9894009349916499,
];
const WEIGHTS = [
  0.1894506104550685, 0.1826034150449236, 0.1691565193950025, 0.1495959888165767, 0.1246289712555339,
  0.0951585116824928, 0.0622535239386479, 0.0271524594117541,
];

/** ∫ f from `low` to `high`, by the Gauss-Legendre rule with 16 points on each of `panels` equal parts. */
export function integral(f: (x: number) => number, low: number, high: number, panels = 64): number {
  const half = (high - low) / (2 * panels);
  let sum = 0;
  for (let panel = 0; panel < panels; panel++) {
    const centre = low + (2 * panel + 1) * half;
    for (const [i, node] of NODES.entries()) {
      sum += WEIGHTS[i]! * (f(centre - half * node) + f(centre + half * node));
    }
  }
  return half * sum;
}

/** Beyond so many standard deviations a Gaussian has a mass of 4e-33. */
const TAIL = 12;

/**
 * The mean of f(z·√variance) for a standard Gaussian z. `kinks` are the points where f or its slope jumps: parts are integrated between them,
 * so that the rule sees smooth functions only.
 */
export function gaussianMean(f: (x: number) => number, variance: number, kinks: readonly number[] = []): number {
  const deviation = Math.sqrt(variance);
  if (deviation === 0) return f(0);
  const weighted = (z: number) => (f(z * deviation) * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  const inside = kinks.map((kink) => kink / deviation).filter((z) => Math.abs(z) < TAIL);
  // Steep functions change within a few 1/deviation of the origin: the parts near to it are fine.
  const near = Math.min(1, 40 / deviation);
  const ends = [...new Set([-TAIL, -near, 0, near, TAIL, ...inside])].sort((a, b) => a - b);
  return ends.slice(1).reduce((sum, end, i) => sum + integral(weighted, ends[i]!, end), 0);
}

/** The x in [low, high] where an increasing or decreasing function is zero, by bisection down to the precision of the numbers. */
export function root(f: (x: number) => number, low: number, high: number): number {
  const rises = f(high) > f(low);
  let [left, right] = [low, high];
  for (let i = 0; i < 200; i++) {
    const middle = (left + right) / 2;
    if (middle === left || middle === right) break;
    if (f(middle) > 0 === rises) right = middle;
    else left = middle;
  }
  return (left + right) / 2;
}
