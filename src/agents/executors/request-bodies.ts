import type { IncomingMessage } from 'node:http';

/** In bytes, of all the requests of one run that are under way; the API takes half of it in one. */
const maxBytes = 64 * 1024 * 1024;

/** The bodies of requests, each read whole: what a call may cost is known before it is made. */
export class RequestBodies {
  #bytes = 0;

  /** Rejects where they get too large. What it takes is given back by `release`. */
  async take(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        this.#bytes += chunk.length;
        chunks.push(chunk);
        if (this.#bytes > maxBytes) throw new Error('too much is asked for at once');
      }
      return Buffer.concat(chunks);
    } catch (error) {
      for (const chunk of chunks) this.#bytes -= chunk.length;
      throw error;
    }
  }

  release(body: Buffer): void {
    this.#bytes -= body.length;
  }
}
