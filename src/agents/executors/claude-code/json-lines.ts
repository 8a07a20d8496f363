import { MaxLine } from '../../lines.ts';

/** A file that was written or read is told whole. More than this is no event of ours. */
const maxLength = 16 * 1024 * 1024;

/** Puts lines together again that came in pieces for their length, and parses each. */
export class JsonLines {
  #pieces: string[] = [];
  #length = 0;

  /** The value of a line that is whole with this piece; undefined for one that has to wait, or is no JSON. */
  take(piece: string): { readonly json: unknown; readonly line: string } | undefined {
    this.#pieces.push(piece);
    this.#length += piece.length;
    // An event ends so; without this look every piece of a long one would be parsed in vain.
    const line = piece.endsWith('}') ? this.#pieces.join('') : '';
    const json = parsedOr(line);
    if (json !== undefined || !this.#mayGoOn(piece)) {
      this.#pieces = [];
      this.#length = 0;
    }
    return json === undefined ? undefined : { json, line };
  }

  /** Whether a line has begun that is not whole yet. */
  get isWaiting(): boolean {
    return this.#length > 0;
  }

  #mayGoOn(piece: string): boolean {
    return piece.length > MaxLine && this.#length <= maxLength && this.#pieces[0]?.startsWith('{') === true;
  }
}

function parsedOr(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
