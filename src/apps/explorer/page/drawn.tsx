interface DrawnProps {
  /** A figure of src/figures: one picture with a name for screen readers. */
  readonly svg: string;
  readonly class?: string;
}

/** A figure. Only the whole of it has a name: those that Plot gives to its groups of lines are none that a group may have. */
export function Drawn({ svg, class: kind = "" }: DrawnProps) {
  return (
    <div class={kind} dangerouslySetInnerHTML={{ __html: svg.replace(/(<g\b[^>]*?) aria-label="[^"]*"/g, "$1") }} />
  );
}
