/**
 * Shapes of markers, so that kinds differ in more than their colour. The first is a circle, the others are polygons
 * within a circle of radius 1.
 */
const shapes: readonly (readonly (readonly [number, number])[] | undefined)[] = [
  undefined,
  regular(3, -90, 1.25),
  regular(4, 45, 1.2),
  star(4, 0.42, 0, 1.35),
  regular(3, 90, 1.25),
  regular(4, 0, 1.25),
  star(5, 0.42, -90, 1.35),
  star(4, 0.36, 45, 1.35),
  regular(6, 0, 1.1),
  star(3, 0.36, -90, 1.4),
];

function regular(corners: number, turn: number, size: number): [number, number][] {
  return Array.from({ length: corners }, (_, i) => onCircle(size, turn + (360 * i) / corners));
}

function star(tips: number, waist: number, turn: number, size: number): [number, number][] {
  return Array.from({ length: 2 * tips }, (_, i) =>
    onCircle(i % 2 === 0 ? size : waist * size, turn + (180 * i) / tips),
  );
}

function onCircle(radius: number, degrees: number): [number, number] {
  const angle = (degrees * Math.PI) / 180;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** The path of a marker around (x, y). There are ten markers; after the tenth, the first follows again. */
export function markerPath(number: number, radius: number, x = 0, y = 0): string {
  const at = (value: number) => Math.round(value * 100) / 100;
  const shape = shapes[number % shapes.length];
  if (shape !== undefined) {
    return `M${shape.map(([dx, dy]) => `${at(x + radius * dx)},${at(y + radius * dy)}`).join("L")}Z`;
  }
  const [r, left] = [at(radius), at(x - radius)];
  return `M${left},${at(y)}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;
}
