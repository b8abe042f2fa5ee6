/** Nodes and weights of the Gauss-Legendre rule with 16 points on [−1, 1], the positive half. */
const NODES = [
  0.0950125098376374, 0.2816035507792589, 0.4580167776572274, 0.6178762444026438, 0.755404408355003, 0.8656312023878318,
  0.9445750230732326, 0.9894009349916499,
];
const WEIGHTS = [
  0.1894506104550685, 0.1826034150449236, 0.1691565193950025, 0.1495959888165767, 0.1246289712555339,
  0.0951585116824928, 0.0622535239386479, 0.0271524594117541,
];

/** Equal parts of an interval, unless another number is given. */
const PANELS = 64;

/** ∫ f from `low` to `high`, by the Gauss-Legendre rule with 16 points on each of `panels` equal parts. */
export function integral(f: (x: number) => number, low: number, high: number, panels = PANELS): number {
  let sum = 0;
  eachPoint(low, high, panels, (x, length) => {
    sum += length * f(x);
  });
  return sum;
}

/** Visits the points of the rule, each with the length that it stands for. */
function eachPoint(low: number, high: number, panels: number, visit: (x: number, length: number) => void): void {
  const half = (high - low) / (2 * panels);
  for (let panel = 0; panel < panels; panel++) {
    const centre = low + (2 * panel + 1) * half;
    for (const [i, node] of NODES.entries()) {
      visit(centre - half * node, half * WEIGHTS[i]!);
      visit(centre + half * node, half * WEIGHTS[i]!);
    }
  }
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
  const ends = smoothParts(deviation, kinks);
  return ends.slice(1).reduce((sum, end, i) => sum + integral(weighted, ends[i]!, end), 0);
}

/** The ends of the parts in which a function of z·deviation is smooth. */
function smoothParts(deviation: number, kinks: readonly number[]): number[] {
  const inside = kinks.map((kink) => kink / deviation).filter((z) => Math.abs(z) < TAIL);
  // Steep functions change within a few 1/deviation of the origin: the parts near to it are fine.
  const near = Math.min(1, 40 / deviation);
  return [...new Set([-TAIL, -near, 0, near, TAIL, ...inside])].sort((a, b) => a - b);
}

/** Values with a smaller probability are left out. */
const NEGLIGIBLE = 1e-17;

/** A value of a random variable, and its probability. */
export interface Atom {
  readonly value: number;
  readonly probability: number;
}

/** Values of f(z·√variance) for a standard Gaussian z with their probabilities: those of the points at which `gaussianMean` takes f. */
export function gaussianAtoms(f: (x: number) => number, variance: number, kinks: readonly number[] = []): Atom[] {
  const deviation = Math.sqrt(variance);
  if (deviation === 0) return [{ value: f(0), probability: 1 }];
  const probabilities = new Map<number, number>();
  const ends = smoothParts(deviation, kinks);
  for (const [i, low] of ends.slice(0, -1).entries()) {
    eachPoint(low, ends[i + 1]!, PANELS, (z, length) => {
      const probability = (length * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
      const value = f(z * deviation);
      probabilities.set(value, (probabilities.get(value) ?? 0) + probability);
    });
  }
  return [...probabilities]
    .map(([value, probability]) => ({ value, probability }))
    .filter(({ probability }) => probability > NEGLIGIBLE);
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
