import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { zoomOfLetters } from "../zoom.ts";

/** Widths of a drawing where letters are of the common size, in pixels, and what its frame takes. */
const [LEAST, MOST, FRAME] = [280, 1000, 18];

/** The width for a drawing in a place, in pixels at the common size of letters. It changes with the place. */
export function useWidth(place: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(760);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(Math.min(MOST, Math.max(LEAST, (entry!.contentRect.width - FRAME) / zoomOfLetters())))),
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, [place]);
  return width;
}
