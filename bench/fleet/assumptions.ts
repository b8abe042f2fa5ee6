/**
 * What is not measured, because it is another's: the numbers that Amazon documents of S3.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
 */
export const s3 = {
  /** Requests in a second, of those that write and those that read, below one prefix. */
  puts: 3500,
  gets: 5500,
  /** Seconds until a small object is answered: the least of the documented 0.1 to 0.2. */
  latency: 0.1,
  /** Bytes in a second of one request. */
  bandwidth: 85e6,
};
