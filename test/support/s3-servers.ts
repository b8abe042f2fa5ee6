import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { freePort } from "./free-port.ts";
import { python } from "./python.ts";

/** What a program that uses a server of S3 on this computer needs in its environment. */
export const environment = (endpoint: string): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: "pushforward",
  AWS_SECRET_ACCESS_KEY: "not-a-secret",
  AWS_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
});

/** A server of S3 for tests, with a bucket that is called `bucket`. */
export interface S3Server {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A kind of server: how it is started, and why it cannot be. */
export interface S3Program {
  readonly name: string;
  readonly missing: string | undefined;
  start(): Promise<S3Server>;
}

const versitygw = process.env.PUSHFORWARD_VERSITYGW ?? "versitygw";

/** Starts moto so that it answers one request after another: with threads, it looks whether an object is there, and then stores it. */
const oneAtATime = `
import sys, moto.server as server
run = server.run_simple
server.run_simple = lambda *args, **options: run(*args, **{**options, "threaded": False})
server.main(sys.argv[1:])
`;

export const programs: readonly S3Program[] = [
  {
    name: "moto",
    missing: answers(python, ["-c", "import moto.server"]) ? undefined : "no Python with moto, see PUSHFORWARD_PYTHON",
    start: () => serve((port) => spawn(python, ["-c", oneAtATime, "-H", "127.0.0.1", "-p", `${port}`])),
  },
  {
    name: "versitygw",
    missing: answers(versitygw, ["--version"]) ? undefined : "no versitygw, see PUSHFORWARD_VERSITYGW",
    async start() {
      const folder = await mkdtemp(join(tmpdir(), "pushforward-s3-"));
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = environment("");
      const server = await serve((port) =>
        spawn(versitygw, ["--port", `127.0.0.1:${port}`, "--access", id!, "--secret", secret!, "posix", folder]),
      );
      return { ...server, stop: () => server.stop().finally(() => rm(folder, { recursive: true })) };
    },
  },
];

function answers(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Starts a server on a free port, and waits until it has made the bucket. */
async function serve(start: (port: number) => ChildProcess): Promise<S3Server> {
  const port = await freePort();
  const child = start(port);
  const ended = once(child, "exit");
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (said += text));
  const endpoint = `http://127.0.0.1:${port}`;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment(endpoint);
  const credentials = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! };
  const s3 = new S3({ endpoint, credentials, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 });
  for (let tries = 0; ; tries++) {
    try {
      await s3.createBucket({ Bucket: "bucket" });
      break;
    } catch (cause) {
      if (child.exitCode !== null || tries === 300) {
        child.kill();
        throw new Error(`the server did not start: ${said}`, { cause });
      }
      await setTimeout(100);
    }
  }
  s3.destroy();
  return {
    endpoint,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
