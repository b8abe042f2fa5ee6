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
 * or that no module inside the network computes, are left out. Of several graphs with one name for a tensor the last counts. A beginning that all paths share is left out of each.
 */
export function modulesOf(...graphs: readonly Graph[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const node of graphs.flatMap(({ nodes }) => nodes)) {
    const path = moduleOf(node);
    if (path !== undefined) for (const output of node.outputs) if (output !== "") paths.set(output, path);
  }
  const shared = sharedBeginning([...new Set(paths.values())].map((path) => path.split(".")));
  return new Map(
    [...paths].flatMap(([tensor, path]) => {
      const own = path.split(".").slice(shared).join(".");
      return own === "" ? [] : [[tensor, own] as const];
    }),
  );
}

const moduleOf = ({ scopes, name }: Node): string | undefined =>
  scopes === undefined ? moduleOfName(name) : moduleOfScopes(scopes);

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
