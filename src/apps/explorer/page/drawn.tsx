import { inlineSvg } from "../../../figures/index.ts";

interface DrawnProps {
  /** A figure of src/figures: one picture with a name for screen readers. */
  readonly svg: string;
  readonly class?: string;
}

/** A figure. */
export function Drawn({ svg, class: kind = "" }: DrawnProps) {
  return <div class={kind} dangerouslySetInnerHTML={{ __html: inlineSvg(svg) }} />;
}
