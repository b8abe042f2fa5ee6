/**
 * Whether a singular value is not larger than the floor, the residual that rounding can cause alone. By Weyl's inequality the true
 * value then lies anywhere from 0 to σ + residual, so σ cannot be told from zero. If the floor is 0, as for J = 0, a σ of 0 is
 * exact and does not count as below the floor.
 */
export function isBelowFloor(sigma: number, floor: number): boolean {
  return sigma <= floor && floor > 0;
}

/** A floor as it is printed, to two digits and not below what it is: `< 4.2e-6` of 4.14e-6. */
export function boundOf(floor: number): number {
  const step = 10 ** (Math.floor(Math.log10(floor)) - 1);
  return floor > 0 ? Math.ceil(floor / step) * step : floor;
}
