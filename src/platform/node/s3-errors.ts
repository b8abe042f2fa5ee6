import { messageOf, PushforwardError } from "../../base/index.ts";
import { codeOf } from "./file-errors.ts";

/** The meaning of an error, and what to do about it. */
type Reason = readonly [what: string, fix: string];

const region: Reason = ["The bucket is in another region.", "Set AWS_REGION to the region of the bucket."];
const permission: Reason = [
  "There is no permission for this.",
  "Use credentials that allow s3:ListBucket for the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject for what is in it.",
];
const credentials: Reason = [
  "No credentials for S3 are found.",
  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that has them.",
];
const refusedCredentials: Reason = [
  "The server does not accept the credentials.",
  "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile. Temporary ones may have expired.",
];
const unreachable: Reason = [
  "The server of this store cannot be reached.",
  "Check the connection, and AWS_ENDPOINT_URL if the server is not Amazon's. Then give the same command again: finished work is kept.",
];
const fault: Reason = [
  "The server of this store is overloaded or has a fault.",
  "Wait, and give the same command again: finished work is kept.",
];

/** By the name that the server or the SDK gives to an error, or by the code of the system. */
const byName: Readonly<Record<string, Reason>> = {
  NoSuchBucket: [
    "There is no such bucket.",
    "Create it, or check its name, and AWS_ENDPOINT_URL if the server is not Amazon's.",
  ],
  CredentialsProviderError: credentials,
  TokenProviderError: credentials,
  InvalidAccessKeyId: refusedCredentials,
  SignatureDoesNotMatch: refusedCredentials,
  ExpiredToken: refusedCredentials,
  InvalidToken: refusedCredentials,
  RequestTimeTooSkewed: ["The clock of this machine is wrong.", "Set the clock."],
  PermanentRedirect: region,
  AuthorizationHeaderMalformed: region,
  KeyTooLongError: ["The names of objects would be longer than the server allows.", "Use a shorter prefix."],
  NotImplemented: [
    "The server cannot store an object only if there is none yet (If-None-Match), which a run needs.",
    "Use a store that can, or a folder.",
  ],
  ...Object.fromEntries(
    ["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "EPIPE", "ETIMEDOUT"].map(
      (code) => [code, unreachable],
    ),
  ),
  TimeoutError: unreachable,
};

/** What an error of the SDK has. */
interface SdkError {
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The name of an error, such as `NoSuchKey`. */
export const nameOf = (thrown: unknown): string => String((thrown as SdkError | undefined)?.name);

/** The status of the answer that an error stands for; `undefined` if there was no answer. */
export const statusOf = (thrown: unknown): number | undefined =>
  (thrown as SdkError | undefined)?.$metadata?.httpStatusCode;

function reasonOf(cause: unknown): Reason | undefined {
  const known = byName[nameOf(cause)] ?? byName[codeOf(cause) ?? ""];
  if (known !== undefined) return known;
  if (/^Region (is missing|not accepted)/.test(messageOf(cause))) {
    return ["No region for S3 is set.", "Set AWS_REGION; for a server that has no regions, to us-east-1."];
  }
  const status = statusOf(cause) ?? 0;
  if (status === 301) return region; // The answer to HEAD has no name.
  if (status === 401 || status === 403) return permission;
  return status >= 500 ? fault : undefined;
}

/** The error `file-unreadable` for an error of the SDK on reading an object or listing a prefix. */
export function unreadableObject(address: string, cause: unknown): PushforwardError {
  const [what, fix] = reasonOf(cause) ?? [
    `This cannot be read: ${messageOf(cause)}.`,
    "Check the address and the server.",
  ];
  return new PushforwardError("file-unreadable", { what, where: { file: address }, fix, cause });
}

/** The error `store-unwritable` for an error of the SDK on writing an object. */
export function unwritableObject(address: string, cause: unknown): PushforwardError {
  const [what, fix] = reasonOf(cause) ?? [
    `This cannot be written: ${messageOf(cause)}.`,
    "Check the server, or choose another store.",
  ];
  return new PushforwardError("store-unwritable", { what, where: { file: address }, fix, cause });
}
