/** How many requests of one kind are under way: a store on S3 answers each after a while, and many side by side. */
export const AT_ONCE = 32;

/** Does the same for each item, some at once and in their order otherwise. */
export async function eachAtOnce<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(act));
}
