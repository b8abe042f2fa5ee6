interface ScrollsProps {
  readonly name: string;
  readonly class?: string;
  readonly children: preact.ComponentChildren;
}

/** A place of its own for what is long or wide, which pointers and keys scroll. */
export function Scrolls({ name, class: more = "", children }: ScrollsProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus, keys would not scroll it
    <section class={`scrolls ${more}`} aria-label={name} tabIndex={0}>
      {children}
    </section>
  );
}
