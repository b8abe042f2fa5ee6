import { PushforwardError } from "../base/index.ts";
import { type FieldValue, Message } from "./message.ts";

interface Token {
  readonly kind: "word" | "text" | "sign";
  readonly value: string;
  readonly line: number;
}

/** What stands between tokens, comments among it. A comment ends where its line ends, and no token begins in it. */
const space = /[\s,;]*(?:#[^\n]*(?:\n[\s,;]*|$))*/y;
/** A token: a word or number, a text in quotes, or a sign. */
const pattern = /(-?\s*[\w.+-]+)|("[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*')|([{}<>:[\]/])/sy;

/** Messages within messages may lie this deep, as in the readers of Google. */
const DEEPEST = 100;

/**
 * Parses the text format of protobuf, in which Caffe writes networks (.prototxt).
 *
 * @throws PushforwardError `model-invalid` naming the line
 * @see https://protobuf.dev/reference/protobuf/textformat-spec/
 */
export function parseTextFormat(text: string): Message {
  return new Parser(tokensOf(text.replace(/^\uFEFF/, ""))).message("end");
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let [at, line] = [0, 1];
  const pass = (to: number) => {
    line += newLines(text.slice(at, to));
    at = to;
  };
  for (;;) {
    space.lastIndex = at;
    space.test(text);
    pass(space.lastIndex);
    if (at === text.length) return tokens;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw syntax(line, `"${text.slice(at, at + 12).split("\n")[0]}" is not understood`);
    const [whole, word, quoted, sign = ""] = match;
    const value = word?.replace(/\s/g, "") ?? (quoted === undefined ? sign : unescaped(quoted.slice(1, -1)));
    tokens.push({ kind: word !== undefined ? "word" : quoted !== undefined ? "text" : "sign", value, line });
    pass(at + whole.length);
  }
}

const newLines = (text: string): number => text.split("\n").length - 1;

const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11 };

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text between quotes. Its escapes stand for bytes, which are UTF-8. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const parts: Uint8Array[] = [];
  const pieces = text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-f]{1,2})|\\(.)|([^\\]+)/gis);
  for (const [, octal, hex, letter, plain] of pieces) {
    if (plain !== undefined) parts.push(encode(plain));
    else if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8)));
    else if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else parts.push(escapes[letter!] === undefined ? encode(letter!) : Uint8Array.of(escapes[letter!]!));
  }
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The fields up to the sign that closes the message, or up to the end of the text. */
  message(close: "}" | ">" | "end", depth = 0): Message {
    if (depth > DEEPEST) throw syntax(this.#tokens[this.#at - 1]!.line, `messages lie more than ${DEEPEST} deep`);
    const message = new Message();
    for (;;) {
      const token = this.#next();
      if (token === undefined) {
        if (close === "end") return message;
        throw syntax(this.#line, `a "${close}" is missing at the end`);
      }
      if (token.kind === "sign" && token.value === close) return message;
      const field = this.#fieldName(token);
      if (this.#skip(":") && this.#skip("[")) {
        while (!this.#skip("]")) message.add(field, this.#value(depth));
      } else {
        message.add(field, this.#value(depth));
      }
    }
  }

  /** `name`, or `[package.name]` of an extension. */
  #fieldName(token: Token): string {
    if (token.kind === "word") return token.value;
    if (token.value !== "[" || token.kind !== "sign") {
      throw syntax(token.line, `the name of a setting is expected, not ${shown(token)}`);
    }
    let name = "";
    while (!this.#skip("]")) {
      const part = this.#next();
      if (part === undefined) throw syntax(token.line, `the "[" is not closed`);
      name += part.value;
    }
    return name;
  }

  #value(depth: number): FieldValue {
    const token = this.#next();
    if (token === undefined) throw syntax(this.#line, "a value is missing at the end");
    if (token.kind === "word") return { word: token.value };
    if (token.kind === "text") {
      let text = token.value;
      while (this.#tokens[this.#at]?.kind === "text") text += this.#next()!.value;
      return text;
    }
    if (token.value === "{") return this.message("}", depth + 1);
    if (token.value === "<") return this.message(">", depth + 1);
    throw syntax(token.line, `a value is expected, not ${shown(token)}`);
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #skip(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined && sign === "]") throw syntax(this.#line, `a "]" is missing at the end`);
    if (token?.kind !== "sign" || token.value !== sign) return false;
    this.#at++;
    return true;
  }

  get #line(): number {
    return this.#tokens.at(-1)?.line ?? 1;
  }
}

const shown = ({ kind, value }: Token): string => (kind === "text" ? `a text in quotes` : `"${value}"`);

function syntax(line: number, what: string): PushforwardError {
  return new PushforwardError("model-invalid", {
    what: `Line ${line} does not follow the text format of Caffe: ${what}.`,
    fix: "Name the .prototxt first, then the .caffemodel; check this line.",
  });
}
