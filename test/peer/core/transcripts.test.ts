import { describe, expect, it } from 'vitest';
import { describeMessage } from '../../sim/describe.ts';
import { type AgentScript, endlessAgent, quickAgent } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { leaderOf, others, submitted, untilPhase, workerOf } from './support.ts';

/**
 * What three peers say to each other, written down to be read: the order of messages is the protocol. A change of it shows
 * in review; `npx vitest run test/peer/core/transcripts.test.ts -u` writes them anew.
 */
const three = ['alpha', 'beta', 'gamma'].map((name) => ({ name }));

/** Not part of the story: anti-entropy, and beats that only repeat. */
const silent = new Set(['sync-root', 'sync-buckets', 'sync-entries', 'heartbeat', 'heartbeat-ack']);

class Transcript {
  readonly world: World;
  #from = 0;

  constructor(agent: AgentScript) {
    this.world = new World(three, { agent });
    this.world.runFor(1_000);
  }

  /** Nothing that was said before counts; renewals are left out where they would fill pages. */
  begin(): void {
    this.#from = this.world.sent.length;
  }

  lines(): string {
    const said = this.world.sent.slice(this.#from).filter(({ message }) => !silent.has(message.type));
    const isRenewal = ({ message }: (typeof said)[number]) =>
      (message.type === 'accept' && message.value === null) || (message.type === 'accepted' && message.version.seq > 9);
    const start = said[0]?.at ?? 0;
    const text = said
      .filter((one) => !isRenewal(one))
      .map(({ at, from, to, message }) => {
        const time = (at - start).toFixed(1).padStart(9);
        return `${time}  ${from.padEnd(5)} → ${to.padEnd(5)}  ${describeMessage(message)}`;
      });
    return `${text.join('\n')}\n`;
  }
}

const file = (name: string): string => `./transcripts/${name}.txt`;

describe('what is said', () => {
  it('from the submission of a task to its end', async () => {
    const transcript = new Transcript(quickAgent);
    const { world } = transcript;
    transcript.begin();
    untilPhase(world, submitted(world, world.submit('alpha')), 'done');
    world.runFor(10);
    await expect(transcript.lines()).toMatchFileSnapshot(file('a-task'));
  });

  it('when the leader dies: the worker is asked, and goes on', async () => {
    const transcript = new Transcript(endlessAgent);
    const { world } = transcript;
    const task = submitted(world, world.submit('alpha'));
    const worker = workerOf(world, task);
    const leader = leaderOf(world, task);
    if (leader === null || leader === worker)
      throw new Error('leader and worker are to be two peers: take another seed');
    transcript.begin();
    world.kill(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)), 10_000);
    world.runFor(20);
    await expect(transcript.lines()).toMatchFileSnapshot(file('a-leader-dies'));
  });

  it('when an elector says goodbye: the task moves to those that stay', async () => {
    const transcript = new Transcript(endlessAgent);
    const { world } = transcript;
    const task = submitted(world, world.submit('alpha'));
    const worker = workerOf(world, task);
    const [leaving = ''] = others(world, worker, leaderOf(world, task) ?? '');
    transcript.begin();
    world.reply(world.command(leaving, { type: 'drain' }));
    world.runFor(20);
    await expect(transcript.lines()).toMatchFileSnapshot(file('a-goodbye'));
  });
});
