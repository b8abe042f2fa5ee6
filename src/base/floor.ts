/**
 * Whether a singular value is not larger than the floor, the residual that rounding can cause alone. By Weyl's inequality the true
 * value then lies anywhere from 0 to σ + residual, so σ cannot be told from zero. If the floor is 0, as for J = 0, a σ of 0 is
 * exact and does not count as below the floor.
 */
export function isBelowFloor(sigma: number, floor: number): boolean {
  return sigma <= floor && floor > 0;
}
