const BLOCK = 64;

/** The first `count` primes. */
function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** The first 32 bits behind the binary point. */
const fraction = (x: number): number => ((x - Math.floor(x)) * 2 ** 32) | 0;

const INITIAL = primes(8).map((prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));

/** SHA-256 of bytes, hexadecimal. A host that offers it computes it beside the program; a page over http on another machine does not. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto.subtle === undefined) return sha256(bytes);
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * SHA-256 of bytes, hexadecimal, for hosts that have no hash of their own that answers at once.
 *
 * @see FIPS 180-4, section 6.2
 */
export function sha256(bytes: Uint8Array): string {
  const state = Int32Array.from(INITIAL);
  const schedule = new Int32Array(64);
  const whole = Math.floor(bytes.length / BLOCK) * BLOCK;
  compress(state, schedule, bytes, whole);
  const rest = bytes.subarray(whole);
  // What is left, a bit that is set, zeros, and the length in bits.
  const end = new Uint8Array(rest.length + 9 > BLOCK ? 2 * BLOCK : BLOCK);
  end.set(rest);
  end[rest.length] = 0x80;
  new DataView(end.buffer).setBigUint64(end.length - 8, 8n * BigInt(bytes.length));
  compress(state, schedule, end, end.length);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

function compress(state: Int32Array, w: Int32Array, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; at += BLOCK) {
    for (let i = 0; i < 16; i++) {
      const j = at + 4 * i;
      w[i] = (bytes[j]! << 24) | (bytes[j + 1]! << 16) | (bytes[j + 2]! << 8) | bytes[j + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15]!, w[i - 2]!];
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i]! + w[i]!) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i] = state[i]! + word;
    });
  }
}
