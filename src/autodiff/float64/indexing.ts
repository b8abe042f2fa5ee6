import { sizeOf } from "../../base/index.ts";
import { int, intTensor, readAttributes, text } from "../../onnx/index.ts";
import { foldedPlaces } from "../geometry.ts";
import type { Float64Form, Float64Nodes } from "./form.ts";

const zeros = (write: Float64Nodes, shape: readonly number[]) =>
  write.node("Expand", [write.number(0), write.ints(shape)]);

/** MaxUnpool: the entries are written into zeros. */
export const unpoolInFloat64: Float64Form = (write, { inputs: [x, indices], outputs: [y] }) => {
  const shape = write.shape(y!);
  const flat = write.ints([-1]);
  const [places, updates] = [write.node("Reshape", [indices!, flat]), write.node("Reshape", [write.wide(x!), flat])];
  const written = write.node("ScatterElements", [zeros(write, [sizeOf(shape)]), places, updates], { axis: int(0) });
  return write.node("Reshape", [written, write.ints(shape)]);
};

/** Col2Im: the columns of all windows are added to zeros. */
export const foldInFloat64: Float64Form = (write, { inputs: [x, , block = ""], outputs: [y], attributes }) => {
  const sizes = write.numbers(block);
  if (sizes === undefined) return undefined;
  const shape = write.shape(y!);
  const lead = shape.slice(0, 2);
  const { places, padded, before } = foldedPlaces(readAttributes(attributes), shape.slice(2), sizes);
  const columns = write.node("Reshape", [write.wide(x!), write.ints([...lead, places.length])]);
  const indices = write.constant(intTensor(places, [1, 1, places.length]));
  const wide = write.node("Expand", [indices, write.ints([...lead, places.length])]);
  const inputs = [zeros(write, [...lead, sizeOf(padded)]), wide, columns];
  const sum = write.node("ScatterElements", inputs, { axis: int(2), reduction: text("add") });
  const image = write.node("Reshape", [sum, write.ints([...lead, ...padded])]);
  const ends = before.map((start, d) => start + shape[d + 2]!);
  const axes = before.map((_, d) => d + 2);
  return write.node("Slice", [image, write.ints(before), write.ints(ends), write.ints(axes)]);
};
