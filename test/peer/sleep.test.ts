import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/peer/core/core.ts';
import type { Input } from '../../src/peer/core/io.ts';
import { Mailbox } from '../../src/peer/mailbox.ts';
import { SleepWatch } from '../../src/peer/sleep.ts';
import { monoMs, type Now, wallMs } from '../../src/protocol/ids.ts';

const at = (mono: number, wall: number): Now => ({ monoMs: monoMs(mono), wallMs: wallMs(1_750_000_000_000 + wall) });

describe('a sleep', () => {
  it('is noticed once, by the clocks that moved apart', () => {
    const watch = new SleepWatch();
    expect([at(0, 0), at(5_000, 5_000), at(5_010, 65_010), at(6_000, 66_000)].map((now) => watch.look(now))).toEqual([
      0, 0, 60_000, 0,
    ]);
  });

  it('is not seen in clocks that go a little differently, however long', () => {
    const watch = new SleepWatch();
    const looks = Array.from({ length: 1_000 }, (_, minute) => watch.look(at(minute * 60_000, minute * 60_003)));
    expect(looks.every((lostMs) => lostMs === 0)).toBe(true);
  });

  it('is seen in a wall clock that was put back', () => {
    const watch = new SleepWatch();
    watch.look(at(0, 0));
    expect(watch.look(at(10, -3_600_000))).toBeCloseTo(3_600_010);
  });
});

describe('the mailbox', () => {
  it('tells the core of a sleep before anything that waited for its end', async () => {
    const clocks = [at(0, 0), at(10, 30_010), at(20, 30_020)];
    const heard: Input['type'][] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const core: Pick<Core, 'step'> = {
      step: (input) => {
        heard.push(input.type);
        if (heard.length === 4) resolve();
        return [];
      },
    };
    const mailbox = new Mailbox({
      core,
      store: { write: async () => {} },
      now: () => clocks.shift() ?? at(20, 30_020),
      perform: () => {},
      onFatal: (error) => {
        throw error;
      },
    });
    for (const type of ['tick', 'sync', 'drain'] as const) mailbox.put({ type: 'timer', timer: { type } });
    await done;
    expect(heard).toEqual(['timer', 'woke', 'timer', 'timer']);
  });
});
