import { type Shape, sizeOf } from "../base/index.ts";
import { withInner } from "./graph.ts";
import type { Attribute, Attributes, DataType, Graph, Node, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { IR_VERSION } from "./proto.ts";
import { dataTypes } from "./tensor-types.ts";

/** The operator set in which this project writes its own graphs. */
export const OPSET = 18;

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const text = (value: string): Attribute => ({ kind: "string", value });
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });

/** The attributes of a Cast to a type. */
export const castTo = (type: DataType): Attributes => ({ to: int(dataTypes[type].code) });

/** A float32 tensor. */
export function floatTensor(shape: Shape, data: ArrayLike<number>): Tensor {
  return { type: "float32", shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** An int64 tensor; a vector unless a shape is given. */
export function intTensor(values: readonly number[], shape: Shape = [values.length]): Tensor {
  return { type: "int64", shape, data: BigInt64Array.from(values, BigInt) };
}

/** Entries of an integer tensor as numbers. */
export function toNumbers(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

export interface NodeParts {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Attributes;
  readonly name?: string;
  readonly domain?: string;
}

/** A node. By default its name is that of its first output. */
export function node({ op, inputs, outputs, attributes = {}, name = outputs[0] ?? op, domain = "" }: NodeParts): Node {
  return { name, op, domain, inputs, outputs, attributes };
}

/** A graph input or output. */
export function valueInfo(name: string, type: DataType, shape: readonly (number | string)[]): ValueInfo {
  return { name, type, shape };
}

/**
 * A model with one graph, by default in the operator set of this project. Of the operator sets of another model it takes the versions of
 * those that its nodes are of.
 */
export function buildModel(
  graph: { readonly name?: string } & Omit<Graph, "name">,
  opsets: number | ReadonlyMap<string, number> = OPSET,
): OnnxModel {
  const domains = new Set(["", ...graph.nodes.flatMap(withInner).map(({ domain }) => domain)]);
  const versions = typeof opsets === "number" ? new Map([["", opsets]]) : opsets;
  const own = [...domains].filter((domain) => domain === "" || versions.has(domain));
  return {
    irVersion: IR_VERSION,
    opsets: new Map(own.map((domain) => [domain, versions.get(domain) ?? OPSET])),
    producer: "pushforward",
    graph: { ...graph, name: graph.name ?? "graph" },
  };
}

/** A constant tensor filled with one number. */
export function filled(shape: Shape, value: number): Tensor {
  return floatTensor(shape, new Float32Array(sizeOf(shape)).fill(value));
}

/** A tensor of zeros (of empty texts) of any type. */
export function zeros(type: DataType, shape: Shape): Tensor {
  const { array } = dataTypes[type];
  const count = sizeOf(shape);
  return { type, shape, data: array === undefined ? new Array<string>(count).fill("") : new array(count) };
}

type AttributeValues = { [A in Attribute as A["kind"]]: A["value"] };

/** Reads attributes with their defaults. If `known` is given, reading any other name is an error in the calling code. */
export function readAttributes(attributes: Attributes, known?: readonly string[]) {
  const get = <K extends Attribute["kind"]>(name: string, kind: K): AttributeValues[K] | undefined => {
    if (known?.includes(name) === false) throw new Error(`the attribute ${name} is read and not declared`);
    const attribute = attributes[name];
    return attribute?.kind === kind ? (attribute.value as AttributeValues[K]) : undefined;
  };
  return {
    int: (name: string, otherwise: number): number => get(name, "int") ?? otherwise,
    float: (name: string, otherwise: number): number => get(name, "float") ?? otherwise,
    text: (name: string, otherwise: string): string => get(name, "string") ?? otherwise,
    ints: (name: string): readonly number[] | undefined => get(name, "ints"),
    floats: (name: string): readonly number[] | undefined => get(name, "floats"),
    strings: (name: string): readonly string[] | undefined => get(name, "strings"),
    tensor: (name: string): Tensor | undefined => get(name, "tensor"),
    graph: (name: string): Graph | undefined => get(name, "graph"),
    has: (name: string): boolean => attributes[name] !== undefined,
  };
}
