/** A word as a shell reads it back: quoted where it holds more than letters, digits and harmless signs. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}
