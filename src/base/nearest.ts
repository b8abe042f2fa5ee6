/** Edits (insert, delete, replace, swap neighbours) that turn one text into another. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** A longer text is no misspelt name. */
const LONGEST = 1000;

/**
 * The names most similar to a misspelt one, the best first: those that contain it, or that differ from it by at most a third of its
 * letters.
 */
export function nearestNames(name: string, candidates: readonly string[], most = 3): string[] {
  if (name.length > LONGEST) return [];
  const wanted = name.toLowerCase();
  return candidates
    .map((candidate) => {
      const distance = editDistance(wanted, candidate.toLowerCase());
      return { candidate, distance: candidate.toLowerCase().includes(wanted) ? Math.min(distance, 1) : distance };
    })
    .filter(({ distance }) => distance <= Math.max(2, Math.ceil(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** `Did you mean kernel or kind?` if candidates are similar, and otherwise all of them. */
export function suggestion(name: string, candidates: readonly string[], quote = ""): string {
  const near = nearestNames(name, candidates).map((one) => `${quote}${one}${quote}`);
  return near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Choose one of ${candidates.join(", ")}.`;
}
