import { sha256 } from "../../base/index.ts";
import { inputsOf } from "../../jacobian/index.ts";
import type { Model, NumericData } from "../../onnx/index.ts";

/** An input of a network that is held at a given value, by its content. */
export interface GivenInput {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** The hash of the entries, row-major in this type, little-endian. */
  readonly sha256: string;
  /** The value of all entries, if they are equal. */
  readonly value?: number;
}

/** The inputs of a network to which values were given. Weights that are inputs are part of the file. */
export function givenInputs(model: Model): GivenInput[] {
  return inputsOf(model).flatMap(({ name, value: tensor, isWeight = false }) => {
    if (tensor === undefined || isWeight) return [];
    const { type, shape } = tensor;
    const data = tensor.data as NumericData;
    const isFilled = data.length > 0 && !(data as Float32Array).some((entry) => !Object.is(entry, data[0]));
    const hash = sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return [{ name, type, shape, sha256: hash, ...(isFilled ? { value: Number(data[0]) } : {}) }];
  });
}
