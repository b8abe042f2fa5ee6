/** A stream of random numbers that is determined by its seed and the same on every machine. */
export interface Rng {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  gaussian(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** What determines all further numbers, as finite numbers, to store it. */
  state(): number[];
  /** Goes on as the stream did from which `state` gave these numbers. */
  restore(state: readonly number[]): void;
}

/**
 * The xoshiro128** generator, seeded through splitmix32 from any number of seeds and labels.
 *
 * @see Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators"
 */
export function createRng(...seeds: readonly (number | string)[]): Rng {
  let mix = 0x9e3779b9;
  for (const seed of seeds) {
    const text = String(seed);
    for (let i = 0; i < text.length; i++) mix = Math.imul(mix ^ text.charCodeAt(i), 0x01000193);
    mix = Math.imul(mix ^ 0x2f, 0x85ebca6b);
  }
  const split = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = split();
  let b = split();
  let c = split();
  let d = split() | 1;
  const next = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  let spare: number | undefined;
  return {
    uniform,
    gaussian() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      // Box-Muller; 1 − u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    integer: (below) => Math.floor(uniform() * below),
    state: () => [a, b, c, d, spare ?? 0, spare === undefined ? 0 : 1],
    restore([a0 = 0, b0 = 0, c0 = 0, d0 = 0, number, isSpare]) {
      [a, b, c, d] = [a0, b0, c0, d0];
      spare = isSpare === 1 ? number : undefined;
    },
  };
}

/** The seed of one of many draws, determined by seeds and labels. */
export const drawSeed = (...of: readonly (number | string)[]): number => createRng(...of).integer(2 ** 32);

/** `count` standard normal numbers. */
export function gaussianArray(rng: Rng, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = rng.gaussian();
  return values;
}
