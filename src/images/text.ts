/** A text file as read, and whether it is Unicode. */
export interface DecodedText {
  /** Without a byte order mark. */
  readonly text: string;
  /** False where the bytes are neither UTF-8 nor UTF-16; then each is taken as one letter of Windows' Latin-1. */
  readonly isUnicode: boolean;
}

/** The text of a file in UTF-8 or UTF-16, as editors and spreadsheets write them, with or without a byte order mark. */
export function decodeText(bytes: Uint8Array): DecodedText {
  const utf16 = utf16Of(bytes);
  if (utf16 !== undefined) return { text: new TextDecoder(utf16).decode(bytes), isUnicode: true };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), isUnicode: true };
  } catch {
    const latin = Array.from(bytes, (byte) => windows1252[byte - 0x80] ?? String.fromCharCode(byte));
    return { text: latin.join(""), isUnicode: false };
  }
}

/** The letters of the bytes 0x80 to 0x9f: Node's own decoder takes them for control characters. The five without a letter are �. */
const windows1252 = [..."€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ"];

/** By its mark, or by the empty half of its first letter. */
function utf16Of([first, second]: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  if (first === undefined || second === undefined) return undefined;
  if ((first === 0xff && second === 0xfe) || second === 0) return "utf-16le";
  return (first === 0xfe && second === 0xff) || first === 0 ? "utf-16be" : undefined;
}
