/** What a tap's name is made of. */
export interface Nameable {
  readonly tensor: string;
  /** How a numbered name begins: `conv`, `relu`. */
  readonly stem: string;
  /** The path of the module that computes it, if that is known. */
  readonly module?: string | undefined;
  /** Whether it is an input or an output of the network. */
  readonly isEnd: boolean;
  /** Whether it is the result of its module: no other tap of the module, or none but it, is read outside. */
  readonly isResult: boolean;
}

/** A name that someone gave, short enough to be typed. */
const isSimple = (name: string) => /^[A-Za-z][\w.-]{0,23}$/.test(name) && !/Output_\d+$/.test(name);

/** A name that an exporter counted up; that of an input or output may be a word that someone gave. */
const isCounted = ({ tensor, isEnd }: Nameable) =>
  (isEnd ? /^(val|getitem|node)_\d+$/ : /^(val|getitem|node)(_\d+)?$/).test(tensor);

/**
 * A short, unique name for each tap. It is that of the tensor, if someone gave that name; otherwise the path of the module whose result it
 * is (`encoder.layer.0`), or that path with the operator, numbered if there are several (`encoder.layer.0.matmul2`); without a module
 * it is one like `conv1`.
 */
export function tapNames(taps: readonly Nameable[]): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  const several = new Map<string, number>();
  for (const tap of taps) if (usesModule(tap)) several.set(stemIn(tap), (several.get(stemIn(tap)) ?? 0) + 1);
  const counted = (stem: string, single: boolean): string => {
    if (single && !taken.has(stem)) return stem;
    for (;;) {
      const count = (counts.get(stem) ?? 0) + 1;
      counts.set(stem, count);
      if (!taken.has(`${stem}${count}`)) return `${stem}${count}`;
    }
  };
  return taps.map((tap) => {
    const name = nameOf(tap);
    taken.add(name);
    return name;
  });

  function nameOf(tap: Nameable): string {
    const { tensor, stem, module, isResult } = tap;
    if (usesModule(tap)) {
      if (isResult && !taken.has(module!)) return module!;
      return counted(stemIn(tap), several.get(stemIn(tap)) === 1);
    }
    const isGiven = isSimple(tensor) && !isCounted(tap);
    return isGiven && !taken.has(tensor) ? tensor : counted(stem, false);
  }
}

function usesModule(tap: Nameable): boolean {
  const { module, isEnd, tensor } = tap;
  return module !== undefined && !(isSimple(tensor) && !isCounted(tap) && (isEnd || tensor.startsWith(`${module}.`)));
}

const stemIn = ({ module, stem }: Nameable): string => `${module}.${stem}`;
