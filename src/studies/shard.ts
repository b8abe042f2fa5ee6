/**
 * The part of the work of one of several programs that share a store: of units that are counted from 0, each `count`-th from `index` on.
 * Together the shards 0 to count − 1 do every unit once, without a word between them.
 */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The only shard of a program that works alone. */
export const ALONE: Shard = { index: 0, count: 1 };

/** Whether a unit of a run of so many inputs is of a shard; units are counted tap by tap. */
export const isUnitOfShard = (shard: Shard, { input, tap, inputs }: { input: number; tap: number; inputs: number }) =>
  isOfShard(shard, tap * inputs + input);

export const isOfShard = ({ index, count }: Shard, unit: number): boolean => unit % count === index;
