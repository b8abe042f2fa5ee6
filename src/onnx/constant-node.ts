import { readAttributes } from "./build.ts";
import type { Node, Tensor } from "./model.ts";

/** The value of a Constant node, from whichever attribute contains it; `undefined` for any other node. */
export function constantOf({ op, domain, attributes }: Node): Tensor | undefined {
  if (op !== "Constant" || domain !== "") return undefined;
  const read = readAttributes(attributes);
  const [name, attribute] = Object.entries(attributes)[0] ?? [];
  switch (attribute?.kind) {
    case "tensor":
      return read.tensor(name ?? "");
    case "float":
      return { type: "float32", shape: [], data: Float32Array.of(attribute.value) };
    case "floats":
      return { type: "float32", shape: [attribute.value.length], data: Float32Array.from(attribute.value) };
    case "int":
      return { type: "int64", shape: [], data: BigInt64Array.of(BigInt(attribute.value)) };
    case "ints":
      return { type: "int64", shape: [attribute.value.length], data: BigInt64Array.from(attribute.value, BigInt) };
    case "string":
      return { type: "string", shape: [], data: [attribute.value] };
    case "strings":
      return { type: "string", shape: [attribute.value.length], data: attribute.value };
    default:
      return undefined;
  }
}
