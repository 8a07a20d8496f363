import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

/** A line longer than this is handed on in pieces: output without line ends must not fill the memory. */
export const MaxLine = 64 * 1024;

/** Cuts a stream of bytes into lines, with `\n`, `\r\n` and the `\r` of progress bars as ends. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split(/\r?\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
    if (this.#rest.length > MaxLine) this.#flush();
  }

  end(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest !== '') this.#flush();
  }

  #flush(): void {
    this.#onLine(this.#rest);
    this.#rest = '';
  }
}

/** Without what moves a terminal's cursor or worse. */
export const printable = (line: string): string => stripVTControlCharacters(line).replaceAll(/[^\P{Cc}\t]/gu, '');

/** For a report: one line, no control characters, bounded. */
export const oneLine = (text: string, maxLength: number): string =>
  clip(
    stripVTControlCharacters(text)
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim(),
    maxLength,
  );

export const clip = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;

/** The last few lines that say anything, for a report: each is one line, bounded. */
export class LastLines {
  readonly #lines: string[] = [];
  readonly #most: number;
  readonly #maxLength: number;

  constructor(most: number, maxLength: number) {
    this.#most = most;
    this.#maxLength = maxLength;
  }

  /** Returns the line as it is told; empty where it says nothing. */
  push(line: string): string {
    const text = oneLine(line, this.#maxLength);
    if (text !== '') this.#lines.push(text);
    if (this.#lines.length > this.#most) this.#lines.shift();
    return text;
  }

  get all(): readonly string[] {
    return this.#lines;
  }
}
