/** The mean square of numbers that arrive in parts, summed in float64. */
export class Squares {
  #sum = 0;
  #count = 0;

  /** Adds numbers, each multiplied by a factor. */
  add(numbers: Float32Array, factor = 1): void {
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) sum += numbers[i]! * numbers[i]!;
    this.#sum += sum * factor * factor;
    this.#count += numbers.length;
  }

  addAll(other: Squares, factor = 1): void {
    this.#sum += other.#sum * factor * factor;
    this.#count += other.#count;
  }

  /** The root mean square; 0 of no numbers. */
  get rms(): number {
    return this.#count === 0 ? 0 : Math.sqrt(this.#sum / this.#count);
  }
}
