/**
 * Memory for results that are soon used up, taken once and kept: where pages are fresh, touching them can take longer than
 * computing what goes there.
 */
export class Scratch {
  private readonly held = new Map<string, Float32Array>();

  /** Room for `size` numbers, which the next call with the same name hands out again. */
  take(name: string, size: number): { readonly into: Float32Array } {
    let into = this.held.get(name);
    if (into === undefined || into.length < size) {
      into = new Float32Array(size);
      this.held.set(name, into);
    }
    return { into };
  }
}
