import { sizeOf } from "../base/index.ts";
import { jacobiSvd } from "./jacobi-svd.ts";

/** A kernel of a convolution of pictures with several channels. */
export interface Kernel {
  /** [outputs, inputs, height, width] */
  readonly shape: readonly [outputs: number, inputs: number, height: number, width: number];
  readonly data: ArrayLike<number>;
}

/**
 * The singular values, descending, of a convolution of stride 1 whose picture goes round at its edges. The Fourier transform takes it
 * apart into one complex matrix [outputs, inputs] for each frequency; their singular values are those of the convolution.
 *
 * @see Sedghi, Gupta & Long 2019, "The singular values of convolutional layers"
 */
export function circularConvolution({ shape, data }: Kernel, height: number, width: number): Float64Array {
  const [outputs, inputs, rows, columns] = shape;
  const all: number[] = [];
  for (let down = 0; down < height; down++) {
    for (let across = 0; across < width; across++) {
      // A complex matrix A + iB as the real one [[A, −B], [B, A]], which has each singular value twice.
      const real = new Float64Array(4 * outputs * inputs);
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          let [a, b] = [0, 0];
          for (let y = 0; y < rows; y++) {
            for (let x = 0; x < columns; x++) {
              const angle = 2 * Math.PI * ((y * down) / height + (x * across) / width);
              const entry = data[((o * inputs + i) * rows + y) * columns + x]!;
              a += entry * Math.cos(angle);
              b += entry * Math.sin(angle);
            }
          }
          real[o * 2 * inputs + i] = a;
          real[o * 2 * inputs + inputs + i] = -b;
          real[(outputs + o) * 2 * inputs + i] = b;
          real[(outputs + o) * 2 * inputs + inputs + i] = a;
        }
      }
      const { sigma } = jacobiSvd(real, 2 * outputs, 2 * inputs);
      for (let one = 0; one < sigma.length; one += 2) all.push(sigma[one]!);
    }
  }
  return Float64Array.from(all).sort().reverse();
}

/** The matrix of a convolution of stride 1 with zeros around the picture, [outputs · height · width, inputs · height · width]. */
export function paddedConvolution({ shape, data }: Kernel, height: number, width: number): Float64Array {
  const [outputs, inputs, rows, columns] = shape;
  const area = height * width;
  const matrix = new Float64Array(outputs * area * inputs * area);
  const [top, left] = [(rows - 1) / 2, (columns - 1) / 2];
  for (let at = 0; at < sizeOf(shape); at++) {
    const [x, y] = [at % columns, Math.floor(at / columns) % rows];
    const [i, o] = [Math.floor(at / (rows * columns)) % inputs, Math.floor(at / (rows * columns * inputs))];
    for (let down = 0; down < height; down++) {
      for (let across = 0; across < width; across++) {
        const [from, to] = [down + y - top, across + x - left];
        if (from < 0 || from >= height || to < 0 || to >= width) continue;
        matrix[(o * area + down * width + across) * inputs * area + i * area + from * width + to] = data[at]!;
      }
    }
  }
  return matrix;
}
