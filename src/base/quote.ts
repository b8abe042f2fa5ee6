/** Quotes a word for a shell, if it contains anything but letters, digits and characters without a special meaning. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}
