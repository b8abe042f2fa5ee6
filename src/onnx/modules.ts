import { readsOf } from "./graph.ts";
import type { Graph, Node } from "./model.ts";

/** The key of the metadata in which PyTorch writes the modules around an operation, outermost first, and the operation last. */
export const NAME_SCOPES = "pkg.torch.onnx.name_scopes";

/** What exporters name so, although it is no module. */
const NO_MODULE = /^(_empty_nn_module_stack_from_metadata_hook|StatefulPartitionedCall|PartitionedCall)$/;

/** The path of the innermost module of PyTorch's list of scopes, `['', 'net', 'net.l1', 'linear']`; `undefined` if there is none. */
export function moduleOfScopes(list: string): string | undefined {
  const scopes = [...list.matchAll(/'([^']*)'/g)].map(([, scope]) => scope!);
  const path = scopes.at(-2);
  return path === undefined || NO_MODULE.test(path) || !isPath(path) ? undefined : path;
}

/**
 * The module in the name of a node: `/net/layers/layers.0/norm/Mul_1` is of `net.layers.0.norm`. A module that is named with the module
 * around it (`layers.0` in `layers`) is named once.
 */
export function moduleOfName(name: string): string | undefined {
  const parts = name
    .split("/")
    .slice(0, -1)
    .filter((part) => part !== "" && !NO_MODULE.test(part));
  const path = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`)).join(".");
  return path !== "" && isPath(path) ? path : undefined;
}

const isPath = (text: string): boolean => /^[\w.-]+$/.test(text);

/** A node in the scopes of the one that it is written for, unless it has its own. */
export const inScopesOf = ({ scopes }: Node, node: Node): Node =>
  scopes === undefined || node.scopes !== undefined ? node : { ...node, scopes };

/**
 * The module that computes each tensor, as exporters note it: a path such as `encoder.layers.0.norm`. Tensors of which nothing is known,
 * or that no module inside the network computes, are left out. Of several graphs with one name for a tensor the last counts. A beginning
 * that all paths share is left out of each.
 */
export function modulesOf(...graphs: readonly Graph[]): Map<string, string> {
  const nodes = graphs.flatMap((graph) => graph.nodes);
  const areNoted = nodes.some(({ scopes }) => scopes !== undefined);
  const paths = new Map<string, string>();
  for (const node of nodes) setPath(paths, node, areNoted ? notedModule(node) : moduleOfName(node.name));
  if (areNoted) {
    fillGaps(nodes, paths, "both sides");
    fillGaps(nodes, paths, "one side");
  }
  const within = [...paths].filter(([, path]) => path !== WHOLE);
  const shared = sharedBeginning([...new Set(within.map(([, path]) => path))].map((path) => path.split(".")));
  return new Map(
    within.flatMap(([tensor, path]) => {
      const own = path.split(".").slice(shared).join(".");
      return own === "" ? [] : [[tensor, own] as const];
    }),
  );
}

/** The path of the whole network. */
const WHOLE = "";

const notedModule = ({ scopes }: Node): string | undefined =>
  scopes === undefined ? undefined : (moduleOfScopes(scopes) ?? WHOLE);

function setPath(paths: Map<string, string>, { outputs }: Node, path: string | undefined): void {
  if (path !== undefined) for (const output of outputs) if (output !== "") paths.set(output, path);
}

/**
 * A node that the exporter wrote without a note, as when it replaces others, is of the innermost module around what it reads and what
 * reads it.
 */
function fillGaps(nodes: readonly Node[], paths: Map<string, string>, known: "both sides" | "one side"): void {
  const readers = new Map<string, string[]>();
  for (const node of nodes) {
    for (const name of readsOf(node)) readers.set(name, [...(readers.get(name) ?? []), ...node.outputs]);
  }
  const pathsOf = (tensors: readonly string[]) => tensors.flatMap((tensor) => paths.get(tensor) ?? []);
  for (const node of nodes) {
    if (pathsOf(node.outputs).length > 0) continue;
    const sides = [pathsOf(readsOf(node)), pathsOf(node.outputs.flatMap((output) => readers.get(output) ?? []))];
    if (!sides[known === "both sides" ? "every" : "some"]((side) => side.length > 0)) continue;
    setPath(paths, node, commonPath(sides.flat()));
  }
}

function commonPath([first = WHOLE, ...others]: readonly string[]): string {
  const parts = first.split(".");
  const end = parts.findIndex((part, i) => others.some((other) => other.split(".")[i] !== part));
  return parts.slice(0, end < 0 ? parts.length : end).join(".");
}

/** How many parts all paths begin with, so that one part of the longest is left, and what is left begins with no number. */
function sharedBeginning(paths: readonly (readonly string[])[]): number {
  const [first = []] = paths;
  const longest = Math.max(0, ...paths.map(({ length }) => length));
  const differs = first.findIndex((part, i) => paths.some((path) => path[i] !== part && path.length > i));
  const most = paths.length < 2 ? 0 : Math.min(differs < 0 ? first.length : differs, longest - 1);
  const beginsWithNumber = (at: number) => paths.some((path) => /^\d/.test(path[at] ?? ""));
  for (let shared = most; shared > 0; shared--) if (!beginsWithNumber(shared)) return shared;
  return 0;
}
