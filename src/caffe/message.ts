import { PushforwardError } from "../base/index.ts";

/** A word that stands without quotes in the text format: a number, `true`, or the name of a choice such as `MAX`. */
interface Word {
  readonly word: string;
}

/** A value of a field: a text in quotes, a word, or a message. */
export type FieldValue = string | Word | Message;

/**
 * A message of the protobuf text format. Which fields exist is not known, so that settings of every fork of Caffe can be read. It remembers
 * which fields were read, so that a setting that nothing reads can be told.
 */
export class Message {
  readonly #fields = new Map<string, FieldValue[]>();
  readonly #read = new Set<string>();

  /** Adds a value to a field, which may be repeated. */
  add(field: string, value: FieldValue): void {
    const values = this.#fields.get(field);
    if (values === undefined) this.#fields.set(field, [value]);
    else values.push(value);
  }

  /** A message with the same fields, none of them read. Fields may get another name, or none. */
  renamed(rename: (field: string) => string | undefined): Message {
    const message = new Message();
    for (const [field, values] of this.#fields) {
      const name = rename(field);
      if (name !== undefined) for (const value of values) message.add(name, value);
    }
    return message;
  }

  has(field: string): boolean {
    return this.#fields.has(field);
  }

  /** The fields that nothing has read. */
  get unread(): string[] {
    return [...this.#fields.keys()].filter((field) => !this.#read.has(field));
  }

  /** The fields in the order of their first value. */
  get fields(): string[] {
    return [...this.#fields.keys()];
  }

  /** All values of a field that hold messages. @throws PushforwardError `model-invalid` if one is no message */
  messages(field: string): Message[] {
    return this.#values(field).map((value) => (value instanceof Message ? value : this.#refuse(field, "a message")));
  }

  /** The last message of a field; an empty one if there is none. */
  message(field: string): Message {
    return this.messages(field).at(-1) ?? new Message();
  }

  texts(field: string): string[] {
    return this.#values(field).map((value) => {
      if (value instanceof Message) return this.#refuse(field, "a text");
      return typeof value === "string" ? value : value.word;
    });
  }

  text(field: string, otherwise = ""): string {
    return this.texts(field).at(-1) ?? otherwise;
  }

  /** @throws PushforwardError `model-invalid` if a value is no number */
  numbers(field: string): number[] {
    return this.texts(field).map((text) => numberOf(text) ?? this.#refuse(field, "a number", text));
  }

  number(field: string, otherwise: number): number {
    return this.numbers(field).at(-1) ?? otherwise;
  }

  /** `true`, `t`, `1` and their opposites. */
  boolean(field: string, otherwise: boolean): boolean {
    const text = this.texts(field).at(-1);
    if (text === undefined) return otherwise;
    if (["true", "True", "t", "1"].includes(text)) return true;
    return ["false", "False", "f", "0"].includes(text) ? false : this.#refuse(field, "true or false", text);
  }

  /** One of several names, which may also be given by its number: that of its place in `names`, counted from `first`. */
  choice<Name extends string>(field: string, names: readonly Name[], otherwise: Name, first = 0): Name {
    const text = this.texts(field).at(-1);
    if (text === undefined) return otherwise;
    const byNumber = names[Number(text) - first];
    return names.find((name) => name === text) ?? byNumber ?? this.#refuse(field, `one of ${names.join(", ")}`, text);
  }

  #values(field: string): readonly FieldValue[] {
    this.#read.add(field);
    return this.#fields.get(field) ?? [];
  }

  #refuse(field: string, wanted: string, found?: string): never {
    const what = found === undefined ? "another kind of value" : `"${found}"`;
    throw new PushforwardError("model-invalid", {
      what: `The setting ${field} should be ${wanted}, and is ${what}.`,
      fix: "Check the .prototxt at this place.",
    });
  }
}

function numberOf(text: string): number | undefined {
  const special = /^(-?)(inf|infinity|nan)f?$/i.exec(text);
  if (special !== null) {
    return special[2]!.toLowerCase() === "nan" ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
  }
  if (/^-?0x[0-9a-f]+$/i.test(text)) return text.startsWith("-") ? -Number(text.slice(1)) : Number(text);
  if (/^-?0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  const number = Number(text.replace(/f$/i, ""));
  return text === "" || Number.isNaN(number) ? undefined : number;
}

/** One number for each of `count` axes, from a field that gives one for all or one for each. */
export function perAxis(values: readonly number[], count: number, otherwise: number, field: string): number[] {
  if (values.length === 0) return new Array<number>(count).fill(otherwise);
  if (values.length === 1) return new Array<number>(count).fill(values[0]!);
  if (values.length === count) return [...values];
  throw new PushforwardError("model-invalid", {
    what: `The setting ${field} has ${values.length} values for ${count} axes.`,
    fix: "Give one for all, or one for each.",
  });
}
