import type { Input } from '../../src/peer/core/io.ts';

/** FNV-1a in two halves of 32 bits, over one line per event: the same seed gives the same hash in any process. */
export class Trace {
  #low = 0x811c9dc5;
  #high = 0x1b873593;
  #events = 0;

  get events(): number {
    return this.#events;
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  event(atMs: number, peer: string, input: Input): void {
    this.#events += 1;
    this.#line(`${Math.round(atMs * 1_000)} ${peer} ${describe(input)}\n`);
  }

  #line(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code ^ (low >>> 15), 0x85ebca6b);
    }
    this.#low = low;
    this.#high = high;
  }
}

function describe(input: Input): string {
  switch (input.type) {
    case 'message':
      return `${input.message.type} of ${input.from}`;
    case 'gossip':
      return `${input.gossip.type} of ${input.from}`;
    case 'timer':
      return `timer ${input.timer.type}`;
    case 'agent':
      return `${input.report.type} ${input.run}`;
    case 'replicated':
      return `${input.type} ${input.run} ${input.holders.join(' ')}`;
    case 'peer-up':
    case 'peer-down':
      return `${input.type} ${input.peer}`;
    case 'command':
      return `${input.command.type} ${input.id}`;
    case 'woke':
      return 'woke';
  }
}
