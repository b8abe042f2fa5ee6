/**
 * Whether a singular value is lost in the floor, the residual that the backend can reach: by Weyl's inequality the true one
 * then lies anywhere from 0 to σ + residual, so that σ tells nothing but that. Where the floor is 0, as of J = 0, a σ of 0 is
 * exact and not lost.
 */
export function isBelowFloor(sigma: number, floor: number): boolean {
  return sigma <= floor && floor > 0;
}
