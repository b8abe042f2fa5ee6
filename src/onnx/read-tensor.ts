import { formatShape, messageOf, PushforwardError, sizeOf } from "../base/index.ts";
import type { DataType, Tensor, TensorData } from "./model.ts";
import { packedBytes, unpack } from "./narrow-types.ts";
import { decodeTensor, EXTERNAL, type Int64, type TensorMessage } from "./proto.ts";
import { dataTypeOf, dataTypes, type NumericArray } from "./tensor-types.ts";

/**
 * Reads `length` bytes (all up to the end if undefined) from `offset` of a file beside the model. A file that ends
 * earlier gives fewer bytes.
 */
export type ExternalReader = (location: string, offset: number, length: number | undefined) => Promise<Uint8Array>;

/**
 * An int64 as a number. Beyond ±(2^53 − 1), the result is ±(2^53 − 1). In models, such values mean "to the end" of a slice, and
 * they keep this meaning.
 */
export function toNumber(value: Int64 | undefined): number {
  if (value === undefined || typeof value === "number") return value ?? 0;
  const number = value.high * 2 ** 32 + (value.low >>> 0);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}

/** The text of a bytes field. The decoder gives an empty field as an empty list. */
export const textOf = (bytes: ArrayLike<number> = []): string => new TextDecoder().decode(Uint8Array.from(bytes));

/**
 * The tensor of a message of the format. The entries are not copied if the raw bytes happen to be aligned.
 *
 * @throws PushforwardError `op-unsupported` for an element type that is not supported, `model-invalid` if the number of entries
 * does not agree with the shape
 */
export function toTensor(message: TensorMessage, name = message.name || "(unnamed)"): Tensor {
  const type = dataTypeOf(message.dataType ?? 0);
  if (type === undefined) {
    throw new PushforwardError("op-unsupported", {
      what: `The tensor "${name}" has the element type ${message.dataType ?? 0} of the format, which is not supported.`,
      fix: "Export the model in float32; complex numbers are not supported.",
    });
  }
  const shape = (message.dims ?? []).map(toNumber);
  const data = dataOf(message, type, sizeOf(shape));
  if (data === undefined || data.length !== sizeOf(shape) || shape.some((extent) => extent < 0)) {
    const found = data?.length ?? `${message.rawData?.length ?? 0} bytes`;
    throw new PushforwardError("model-invalid", {
      what: `Tensor "${name}" should hold ${formatShape(shape)} = ${sizeOf(shape)} entries of ${type}, and holds ${found}.`,
      fix: "The file is damaged or was cut off: download or export it again.",
    });
  }
  return { type, shape, data };
}

/** The entries, as many as there are; `undefined` if the bytes do not hold a whole number of them. */
function dataOf(message: TensorMessage, type: DataType, count: number): TensorData | undefined {
  const { array, field } = dataTypes[type];
  if (array === undefined) return (message.stringData ?? []).map((bytes) => textOf(bytes));
  const raw = message.rawData !== undefined && message.rawData.length > 0 ? message.rawData : undefined;
  const packed = packedBytes(type, count);
  if (packed !== undefined) {
    const bytes = raw ?? message.int32Data ?? [];
    return bytes.length === packed ? unpack(type, bytes, count) : undefined;
  }
  return raw ? viewRaw(raw, array) : fromField(message[field as Exclude<typeof field, "stringData">] ?? [], array);
}

function viewRaw(bytes: Uint8Array, array: NumericArray): TensorData | undefined {
  const length = bytes.length / array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(length)) return undefined;
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, length);
}

function fromField(values: ArrayLike<number> | readonly Int64[], array: NumericArray): TensorData {
  const data = new array(new ArrayBuffer(values.length * array.BYTES_PER_ELEMENT), 0, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const halves = new Int32Array(data.buffer);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as Int64;
      if (typeof value === "number") data[i] = BigInt(value);
      else halves.set([value.low, value.high], 2 * i);
    }
  } else {
    for (let i = 0; i < values.length; i++) data[i] = toNumber(values[i]);
  }
  return data;
}

/**
 * The tensor in the bytes of a `.pb` file that contains one tensor, as in the test data of the format.
 *
 * @throws PushforwardError `model-invalid` if the bytes are not a tensor; errors of `toTensor`
 */
export function readTensor(bytes: Uint8Array): Tensor {
  let message: TensorMessage;
  try {
    message = decodeTensor(bytes);
  } catch (cause) {
    throw new PushforwardError("model-invalid", {
      what: `The file is not an ONNX tensor: its bytes do not follow the format (${messageOf(cause)}).`,
      fix: "Write it with onnx.save_tensor, or download it again.",
      cause,
    });
  }
  return toTensor(message);
}

/**
 * Reads the bytes of every tensor that is stored in another file, and puts them into the messages.
 *
 * @throws PushforwardError `external-data` naming tensor and location
 */
export async function fetchExternal(tensors: Iterable<TensorMessage>, read: ExternalReader | undefined): Promise<void> {
  for (const tensor of tensors) {
    if (tensor.dataLocation !== EXTERNAL) continue;
    const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value]));
    const location = entries.get("location") ?? "";
    const offset = Number(entries.get("offset") ?? 0);
    // Without a length, or with 0, which Python writes for none, a tensor has the bytes that its entries take: others may follow.
    const length = Number(entries.get("length") ?? 0) || bytesOf(tensor);
    const refuse = (why: string, fix: string, cause?: unknown) => {
      const what = `The data of tensor "${tensor.name}" lies in "${location}", ${why}`;
      return new PushforwardError("external-data", { what, fix, cause });
    };
    if (location === "" || /^([/\\]|[a-z]:)|(^|[/\\])\.\.([/\\]|$)/i.test(location)) {
      throw refuse("which is not a file beside the model.", "Save the model again with its data beside it.");
    }
    if (![offset, length ?? 0].every((place) => Number.isSafeInteger(place) && place >= 0)) {
      const why = `at offset ${entries.get("offset")} with length ${entries.get("length")}, which are not whole numbers.`;
      throw refuse(why, "The file is damaged: download or export it again.");
    }
    if (read === undefined) {
      throw refuse("and no reader for it was given.", "Give the file beside the model, or save the model as one file.");
    }
    try {
      tensor.rawData = await read(location, offset, length);
    } catch (cause) {
      const why = messageOf(cause).replace(/\.$/, "");
      throw refuse(`which cannot be read: ${why}.`, `Put "${location}" beside the model.`, cause);
    }
    const found = tensor.rawData.length;
    if (length === undefined || found >= length) continue;
    const early =
      found === 0 && offset > 0
        ? `where the data end before the offset ${offset}: none of ${length} bytes can be read.`
        : `which ends early: ${found} of ${length} bytes at offset ${offset}.`;
    throw refuse(early, `Download or export "${location}" again.`);
  }
}

/**
 * The number of bytes that the entries of a tensor take; `undefined` for texts and for types that are not supported.
 */
function bytesOf({ dataType, dims = [] }: TensorMessage): number | undefined {
  const type = dataTypeOf(dataType ?? 0);
  const array = type && dataTypes[type].array;
  const count = sizeOf(dims.map(toNumber));
  return array && (packedBytes(type, count) ?? count * array.BYTES_PER_ELEMENT);
}
