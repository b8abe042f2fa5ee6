/** The values of a file that people write lie in each other at most this deep. What is read of one is often recursive. */
const DEEPEST = 500;

/**
 * The value that a text in JSON stands for.
 *
 * @throws Error if it is no JSON, or deeper than values that people write
 */
export function jsonOf(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let depth = 0;
  for (const [sign] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/gs)) {
    if (sign === "[" || sign === "{") depth++;
    else if (sign === "]" || sign === "}") depth--;
    if (depth > DEEPEST) throw new Error(`its values lie more than ${DEEPEST} deep in each other`);
  }
  return value;
}
