import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { kindColours } from "../../../../figures/index.ts";
import type { Movement, PictureFacts } from "../subject.ts";
import { zoomOfLetters } from "../zoom.ts";
import { type Point, placesAt } from "./places.ts";

interface CloudProps {
  readonly pictures: readonly PictureFacts[];
  readonly movement: Movement;
  readonly place: number;
  readonly followed: number;
  readonly follow: (picture: number) => void;
}

/** The width and height of a picture in the cloud where letters are of the common size, in CSS pixels: of few pictures, and of many. */
const sizes = { few: 34, many: 18 } as const;
const MANY = 60;

/** Small pictures at their places in the plane, with the trail of one of them. */
export function Cloud({ pictures, movement, place, followed, follow }: CloudProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(600);
  const stamps = useMemo(() => pictures.map(stampOf), [pictures]);
  const zoom = zoomOfLetters();
  const height = Math.round(Math.min(0.62 * width, 560 * zoom));
  const size = zoom * (pictures.length > MANY ? sizes.many : sizes.few);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const sharpness = devicePixelRatio;
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas.current!);
    drawTrail(context, movement, place, followed, { width, height, size, colour: style.color });
    const points = placesAt(movement, place, { width, height, size });
    const order = points.map((_, i) => i).sort((a, b) => Number(a === followed) - Number(b === followed));
    for (const i of order) drawStamp(context, stamps[i]!, points[i]!, size, i === followed ? style.color : undefined);
  });
  return (
    <div class="cloud">
      <canvas
        ref={canvas}
        width={width * devicePixelRatio}
        height={height * devicePixelRatio}
        style={{ width: `${width}px`, height: `${height}px` }}
        role="img"
        aria-label={`The cloud at ${movement.taps[Math.round(place)]}; ${pictures[followed]?.name} is followed`}
        onClick={({ offsetX, offsetY }) => {
          const points = placesAt(movement, place, { width, height, size });
          const distances = points.map(({ x, y }) => Math.hypot(x - offsetX, y - offsetY));
          const nearest = distances.indexOf(Math.min(...distances));
          if (distances[nearest]! <= size) follow(nearest);
        }}
      />
    </div>
  );
}

interface Stamp {
  readonly image: HTMLCanvasElement;
  readonly colour: string;
}

/** A picture as it is drawn many times, and the colour of its class. */
function stampOf({ pixels, label, predicted }: PictureFacts, _number: number, all: readonly PictureFacts[]): Stamp {
  const image = document.createElement("canvas");
  image.width = pixels.width;
  image.height = pixels.height;
  image
    .getContext("2d")!
    .putImageData(new ImageData(Uint8ClampedArray.from(pixels.rgba), pixels.width, pixels.height), 0, 0);
  const names = [...new Set(all.map((picture) => picture.label ?? picture.predicted ?? ""))].sort();
  const colour = kindColours[names.indexOf(label ?? predicted ?? "") % kindColours.length]!;
  return { image, colour };
}

function drawStamp(
  context: CanvasRenderingContext2D,
  stamp: Stamp,
  { x, y }: Point,
  size: number,
  ring?: string,
): void {
  const [left, top] = [x - size / 2, y - size / 2];
  context.fillStyle = stamp.colour;
  context.fillRect(left - 3, top - 3, size + 6, size + 6);
  context.imageSmoothingEnabled = stamp.image.width > size;
  context.drawImage(stamp.image, left, top, size, size);
  if (ring === undefined) return;
  context.strokeStyle = ring;
  context.lineWidth = 3;
  context.strokeRect(left - 5, top - 5, size + 10, size + 10);
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly size: number;
  readonly colour: string;
}

/** The way of one picture from the first layer to where it is, with a mark at each layer. */
function drawTrail(
  context: CanvasRenderingContext2D,
  movement: Movement,
  place: number,
  followed: number,
  frame: Frame,
): void {
  const whole = Array.from({ length: Math.floor(place) + 1 }, (_, layer) => layer);
  const points = [...whole, place].map((layer) => placesAt(movement, layer, frame)[followed]!);
  context.strokeStyle = frame.colour;
  context.fillStyle = frame.colour;
  context.lineWidth = 2;
  context.setLineDash([5, 4]);
  context.beginPath();
  for (const { x, y } of points) context.lineTo(x, y);
  context.stroke();
  context.setLineDash([]);
  for (const { x, y } of points.slice(0, -1)) {
    context.beginPath();
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}
