import { MaxLine } from '../../lines.ts';

/** A file that was written or read is told whole. More than this is no event of ours. */
const maxLength = 16 * 1024 * 1024;

/** What matters for where an object ends: its braces, but not those in its strings. */
const mark = /["{}]/g;
const stringEnd = /["\\]/g;

/** Puts lines together again that came in pieces for their length, and parses each. */
export class JsonLines {
  #pieces: string[] = [];
  #length = 0;
  #depth = new Depth();

  /** The value of a line that is whole with this piece; undefined for one that has to wait, or is no JSON. */
  take(piece: string): { readonly json: unknown; readonly line: string } | undefined {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#mayGoOn(piece)) return undefined;
    // Once for each line, however many pieces it came in: to parse a long one takes a while, in which the peer does nothing else.
    const line = piece.endsWith('}') ? this.#pieces.join('') : '';
    this.#pieces = [];
    this.#length = 0;
    this.#depth = new Depth();
    const json = parsedOr(line);
    return json === undefined ? undefined : { json, line };
  }

  /** Whether a line has begun that is not whole yet. */
  get isWaiting(): boolean {
    return this.#length > 0;
  }

  #mayGoOn(piece: string): boolean {
    if (piece.length <= MaxLine || this.#length > maxLength || this.#pieces[0]?.startsWith('{') !== true) return false;
    return this.#depth.after(piece) > 0;
  }
}

/** How many objects are open, counted as the text comes. */
class Depth {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  after(piece: string): number {
    let at = 0;
    if (this.#isEscaped) {
      at = 1;
      this.#isEscaped = false;
    }
    while (at < piece.length) at = this.#isInString ? this.#passString(piece, at) : this.#passMark(piece, at);
    this.#isEscaped = at > piece.length;
    return this.#depth;
  }

  #passMark(piece: string, at: number): number {
    mark.lastIndex = at;
    const found = mark.exec(piece);
    if (found === null) return piece.length;
    if (found[0] === '"') this.#isInString = true;
    else this.#depth += found[0] === '{' ? 1 : -1;
    return found.index + 1;
  }

  /** Behind the end of the piece where its last character escapes the next one. */
  #passString(piece: string, at: number): number {
    stringEnd.lastIndex = at;
    const found = stringEnd.exec(piece);
    if (found === null) return piece.length;
    if (found[0] === '\\') return found.index + 2;
    this.#isInString = false;
    return found.index + 1;
  }
}

function parsedOr(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
