import { formatBytes, messageOf, PushforwardError } from "../../base/index.ts";

type Parts = ConstructorParameters<typeof PushforwardError>[1];

/** The meaning of a message of ONNX Runtime. The groups of the pattern are inserted into the words. */
type Meaning = readonly [pattern: RegExp, tell: (groups: readonly string[]) => Parts];

const STANDARD = "Export the model with standard ONNX operators, or cut it before this node.";
const RUNS_ELSEWHERE = "Check that the model runs in ONNX Runtime in Python; if it does not, export it again.";

const placeOf = (node: string, op: string) => ({ where: { ...(node === "" ? {} : { node }), op } });

const meanings: readonly Meaning[] = [
  [
    /No Op registered for (\S+) with domain_version of (\d+)/,
    ([op, opset]) => ({
      what: `ONNX Runtime knows no operator ${op} in opset ${opset}.`,
      where: { op: op! },
      fix: STANDARD,
    }),
  ],
  [
    /(\S+):([^:\s]+)\(-?\d+\) is not a registered function/,
    ([domain, op]) => ({
      what: `ONNX Runtime knows no operator ${op} in the operator set "${domain}".`,
      where: { op: op! },
      fix: STANDARD,
    }),
  ],
  [
    /Could not find an implementation for (\w+)\(\d+\) node with name '(.*?)'/,
    ([op, node]) => ({
      what: `ONNX Runtime cannot compute this ${op} for the element types of its inputs.`,
      ...placeOf(node!, op!),
      fix: "Export the model in float32.",
    }),
  ],
  [
    /Opset (\d+) is under development.*domain (\S+) is till opset (\d+)/,
    ([own, domain, most]) => ({
      what: `The model is written in opset ${own} of ${domain}, and this ONNX Runtime knows it up to opset ${most}.`,
      fix: `Export the model with opset ${most} or an older one.`,
    }),
  ],
  [
    /Type parameter \(\w+\) of Optype \((\w+)\) bound to different types \((.*?) and (.*?) in node \((.*?)\)/,
    ([op, first, second, node]) => ({
      what: `The inputs of this ${op} have different element types: ${plainType(first!)} and ${plainType(second!)}.`,
      ...placeOf(node!, op!),
      fix: RUNS_ELSEWHERE,
    }),
  ],
  [
    /Failed to allocate memory for requested buffer of size (\d+)/,
    ([bytes]) => ({
      what: `There is no memory for a tensor of ${formatBytes(Number(bytes))}.`,
      fix: "Give a smaller input, or use a machine with more memory.",
    }),
  ],
  [
    /Buffer size \((\d+)\) exceeds the max buffer size limit \((\d+)\)/,
    ([bytes, most]) => ({
      what: `A tensor has ${formatBytes(Number(bytes))}, and the device holds at most ${formatBytes(Number(most))} in one.`,
      fix: "Use the CPU, ask for fewer triplets, or give a smaller input.",
    }),
  ],
  [
    /OUT_OF_DEVICE_MEMORY|Out of memory|Invalid Buffer/,
    () => ({
      what: "The device has no memory left for a tensor.",
      fix: "Use the CPU, ask for fewer triplets, or give a smaller input.",
    }),
  ],
  [
    /std::bad_alloc|SafeIntExceptionHandler|failed to allocate a buffer/,
    () => ({
      what: "There is no memory left for a tensor.",
      fix:
        "Give a smaller input, or ask for fewer triplets. In a browser ONNX Runtime has at most 4 GiB, and with Node all that the " +
        "computer has.",
    }),
  ],
  [
    /while running (\w+) node\. Name:'(.*?)' Status Message: (.*)/,
    ([op, node, detail]) => ({
      what: `ONNX Runtime cannot compute this ${op}${quote(detail!)}.`,
      ...placeOf(node!, op!),
      fix: RUNS_ELSEWHERE,
    }),
  ],
  [
    /In Node, \("(.*?)", (\w+),.*, Error (.*)/,
    ([node, op, detail]) => ({
      what: `ONNX Runtime does not accept this ${op}${quote(detail!)}.`,
      ...placeOf(node!, op!),
      fix: RUNS_ELSEWHERE,
    }),
  ],
  [
    /Node \((.*?)\) Op \((\w+)\) (.*)/,
    ([node, op, detail]) => ({
      what: `ONNX Runtime does not accept this ${op}${quote(detail!)}.`,
      ...placeOf(node!, op!),
      fix: RUNS_ELSEWHERE,
    }),
  ],
];

/**
 * The error for a failure of ONNX Runtime to load or run a graph: what is wrong, where, and what to do. Its own message follows in quotes,
 * as far as it is useful to a reader.
 */
export function runtimeError(asked: "load" | "run", cause: unknown): PushforwardError {
  const text = messageOf(cause).replaceAll(/\s+/g, " ").trim();
  for (const [pattern, tell] of meanings) {
    const groups = pattern.exec(text)?.slice(1);
    if (groups === undefined) continue;
    const code = MEMORY.test(text) ? "memory-short" : "backend-failed";
    return new PushforwardError(code, { ...tell(groups), cause });
  }
  return new PushforwardError("backend-failed", {
    what: `ONNX Runtime cannot ${asked} this graph${quote(text)}.`,
    fix: RUNS_ELSEWHERE,
    cause,
  });
}

/** What messages say where a tensor has no place. */
const MEMORY =
  /Failed to allocate|failed to allocate|std::bad_alloc|SafeIntExceptionHandler|max buffer size limit|OUT_OF_DEVICE_MEMORY|Out of memory|Invalid Buffer/;

const MOST_CHARACTERS = 160;

/** A message of the runtime in quotes and brackets, as one short line without positions in its source code. */
function quote(text: string): string {
  const detail = text
    .replace(/^\/\S+:\d+ .*?\)( const)? /, "")
    .replace(/^\S+ == \S+ was false\. /, "")
    .replace(/\[\w*Error\] /, "")
    .replace(/\.$/, "");
  return detail === ""
    ? ""
    : ` ("${detail.length > MOST_CHARACTERS ? `${detail.slice(0, MOST_CHARACTERS)}…` : detail}")`;
}

/** `tensor(float)` as `float`. */
const plainType = (type: string): string => /^tensor\((\w+)\)?$/.exec(type)?.[1] ?? type;
