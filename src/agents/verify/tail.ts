import { clip, printable } from '../lines.ts';

/** The last lines of an output, of at most `maxLength` characters together. */
export class Tail {
  readonly #maxLength: number;
  readonly #lines: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  push(line: string): void {
    const text = clip(printable(line), this.#maxLength - 1);
    this.#lines.push(text);
    this.#length += text.length + 1;
    while (this.#length > this.#maxLength) this.#length -= (this.#lines.shift()?.length ?? 0) + 1;
  }

  get text(): string {
    return this.#lines.join('\n').trim();
  }
}
