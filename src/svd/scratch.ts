/**
 * Memory for short-lived results, allocated once and reused. Writing to newly allocated pages can take longer than computing
 * what is written.
 */
export class Scratch {
  private readonly held = new Map<string, Float32Array>();

  /** Memory for `size` numbers. The next call with the same name returns the same memory. */
  take(name: string, size: number): { readonly into: Float32Array } {
    let into = this.held.get(name);
    if (into === undefined || into.length < size) {
      into = new Float32Array(size);
      this.held.set(name, into);
    }
    return { into };
  }
}
