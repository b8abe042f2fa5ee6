import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { S3Server } from "./s3-servers.ts";

/** What goes wrong with the next requests that have a condition: each is used up by one of them, in order. */
type Fault =
  /** It is answered with an error, and does nothing. */
  | { readonly status: number; readonly code: string }
  /** Another program stores these bytes first; then it is answered that the server is busy. */
  | { readonly overtaken: Uint8Array }
  /** It does what it should, and the connection ends without an answer. */
  | "loses the answer";

/** A small server of S3, without signatures, buckets and parts of objects, that does what real servers do seldom. */
export interface FaultyS3 extends S3Server {
  /** The stored objects by path. */
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** Methods of the requests so far. */
  readonly requests: string[];
}

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @param always what it does with every request, in place of its work
 * @param page how many keys it lists at once
 */
export async function startFaultyS3({
  faults = [],
  ignoresConditions = false,
  always,
  page = 1000,
  port = 0,
}: {
  readonly faults?: readonly Fault[];
  readonly ignoresConditions?: boolean;
  readonly always?: { readonly status: number; readonly code: string };
  readonly port?: number;
  readonly page?: number;
}): Promise<FaultyS3> {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  const left = [...faults];
  const refuse = (response: ServerResponse, status: number, code: string) =>
    response.writeHead(status, { "content-type": "application/xml" }).end(`<Error><Code>${code}</Code></Error>`);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "" } = request;
    const { pathname: path, searchParams } = new URL(url, "http://server");
    const body = await buffer(request);
    requests.push(method);
    if (always !== undefined) return void refuse(response, always.status, always.code);
    const there = objects.get(path);
    if (searchParams.has("list-type")) {
      const from = Number(searchParams.get("continuation-token"));
      const keys = [...objects.keys()].map((stored) => stored.replace(/^\/[^/]*\//, ""));
      const below = keys.filter((key) => key.startsWith(searchParams.get("prefix")!));
      const listed = below.slice(from, from + page).map((key) => `<Contents><Key>${key}</Key></Contents>`);
      const next = below.length > from + page ? `<NextContinuationToken>${from + page}</NextContinuationToken>` : "";
      return void response.end(`<ListBucketResult>${listed.join("")}${next}</ListBucketResult>`);
    }
    if (method === "GET" || method === "HEAD") {
      if (there === undefined) return void refuse(response, 404, "NoSuchKey");
      return void response.writeHead(200, { ...there.metadata }).end(method === "GET" ? there.bytes : undefined);
    }
    if (method === "DELETE") {
      objects.delete(path);
      return void response.writeHead(204).end();
    }
    const isConditional = request.headers["if-none-match"] === "*";
    const fault = isConditional ? left.shift() : undefined;
    if (typeof fault === "object") {
      if ("code" in fault) return void refuse(response, fault.status, fault.code);
      objects.set(path, { bytes: fault.overtaken, metadata: {} });
      return void refuse(response, 503, "SlowDown");
    }
    if (isConditional && !ignoresConditions && there !== undefined) {
      return void refuse(response, 412, "PreconditionFailed");
    }
    const metadata = Object.entries(request.headers).filter(([name]) => name.startsWith("x-amz-meta-"));
    objects.set(path, { bytes: body, metadata: Object.fromEntries(metadata) as Record<string, string> });
    if (fault === "loses the answer") request.socket.destroy();
    else response.writeHead(200, { etag: '"1"' }).end();
  };
  const server = createServer((request, response) => void answer(request, response)).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
