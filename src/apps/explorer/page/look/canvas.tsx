import { useEffect, useRef } from "preact/hooks";
import type { Pixels } from "../../engine/index.ts";

/** Pixels as a picture that fills its place; small ones keep their squares. One without a label only repeats what stands beside it. */
export function Canvas({ pixels, label }: { readonly pixels: Pixels; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, rgba } = pixels;
  useEffect(() => {
    const image = new ImageData(Uint8ClampedArray.from(rgba), width, height);
    canvas.current!.getContext("2d")!.putImageData(image, 0, 0);
  }, [rgba, width, height]);
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      class={Math.max(width, height) <= 96 ? "pixels coarse" : "pixels"}
      {...(label === "" ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    />
  );
}
