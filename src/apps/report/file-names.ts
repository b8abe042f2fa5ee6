/**
 * File names for taps, in their order: letters, digits, dot, dash and underscore only, never hidden, never the same twice
 * (upper and lower case count as one, for file systems that fold them).
 */
export function fileNamesFor(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain =
      name
        .replace(/[^A-Za-z0-9._-]+/g, "_")
        .replace(/^[._-]+/, "")
        .slice(0, 80) || "tap";
    let unique = plain;
    for (let copy = 2; taken.has(unique.toLowerCase()); copy++) unique = `${plain}-${copy}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}
