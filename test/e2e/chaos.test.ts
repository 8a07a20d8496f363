import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seeded } from '../sim/random.ts';
import type { PeerProcess, TaskJson } from '../support/mesh.ts';
import { waitFor } from '../support/wait.ts';
import { expectNothingLeft } from './leftovers.ts';
import { generalists, names, Scene, slug } from './support.ts';

const stormMs = Number(process.env.CHAOS_MS ?? 20_000);
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const issues = Array.from({ length: 12 }, (_, index) => 200 + index);
const command = 'echo working && sleep 1 && sed -i s/helo/hello/ greeting.txt && echo mended';
/** So many of the five at once leave a majority of every electorate. */
const mostAtOnce = 2;
/** A grant that its holder took with it runs for 30 s, and there may be one after the other. */
const calmMs = 120_000;

type Random = () => number;

/** Kills and stops peers of a mesh, at random from a seed, and brings each of them back after a while. */
class Storm {
  readonly #peers: readonly PeerProcess[];
  readonly #random: Random;
  readonly #struck = new Set<PeerProcess>();
  /** What has happened, for a test that fails. */
  readonly story: string[] = [];

  constructor(peers: readonly PeerProcess[], random: Random) {
    this.#peers = peers;
    this.#random = random;
  }

  /** The peers that are as they should be. */
  spared(): readonly PeerProcess[] {
    return this.#peers.filter((peer) => !this.#struck.has(peer));
  }

  /** Resolves when every peer is back. */
  async rage(forMs: number): Promise<void> {
    const strikes: Promise<void>[] = [];
    const end = performance.now() + forMs;
    while (performance.now() < end) {
      await delay(between(this.#random, 200, 1_500));
      const kills = this.#random() < 0.5;
      const awayMs = between(this.#random, 300, 7_000);
      const peer = pick(this.spared(), this.#random);
      if (this.#struck.size < mostAtOnce) strikes.push(kills ? this.#kill(peer, awayMs) : this.#stop(peer, awayMs));
    }
    await Promise.all(strikes);
  }

  async #kill(peer: PeerProcess, awayMs: number): Promise<void> {
    await this.#strike(peer, `kill -9, back after ${awayMs} ms`, async () => {
      await peer.end('SIGKILL');
      await delay(awayMs);
      await peer.start();
    });
  }

  async #stop(peer: PeerProcess, awayMs: number): Promise<void> {
    await this.#strike(peer, `STOP, CONT after ${awayMs} ms`, async () => {
      peer.signal('SIGSTOP');
      await delay(awayMs);
      peer.signal('SIGCONT');
    });
  }

  async #strike(peer: PeerProcess, what: string, strike: () => Promise<void>): Promise<void> {
    this.#struck.add(peer);
    this.story.push(`${new Date().toISOString()} ${peer.name}: ${what}`);
    await strike();
    this.#struck.delete(peer);
  }
}

const between = (random: Random, from: number, to: number): number => Math.round(from + random() * (to - from));
/** So many lapses end a task: that chance strikes one so often is rare, and no fault. */
const isGivenUp = ({ state, attempts }: TaskJson): boolean =>
  state === 'failed' && attempts.filter(({ outcome }) => outcome === 'lapsed').length >= 5;
const hasEnded = (task: TaskJson): boolean => ['done', 'cancelled'].includes(task.state) || isGivenUp(task);
const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)] as T;

/** Submits until somebody acknowledges; gives the id that was promised. */
async function submitSomewhere(storm: Storm, random: Random, issue: number): Promise<string> {
  for (;;) {
    const peer = pick(storm.spared(), random);
    const { code, stdout } = await peer.cli(['submit', '--issue', `${issue}`, '--repo', slug, '--json']);
    if (code === 0) return (JSON.parse(stdout) as { readonly id: string }).id;
    storm.story.push(`${new Date().toISOString()} ${peer.name}: issue ${issue} not submitted (exit ${code})`);
  }
}

it(`peers are killed, stopped and continued at random: every task ends, once (seed ${seed})`, async () => {
  console.log(`chaos: CHAOS_SEED=${seed} CHAOS_MS=${stormMs}`);
  using temporary = temporaryFolder();
  const env = { TMPDIR: temporary.path };
  await using scene = await Scene.start(
    generalists.map((start) => ({ ...start, env })),
    command,
  );
  for (const number of issues) {
    scene.github.addIssue({ number, title: `Fix greeting ${number}`, body: 'It says helo.', labels: [] });
  }
  const storm = new Storm(scene.mesh.peers, seeded(seed));
  const random = seeded(seed + 1);
  const submitAll = async (): Promise<readonly string[]> => {
    const submitted: Promise<string>[] = [];
    for (const issue of issues) {
      submitted.push(submitSomewhere(storm, random, issue));
      await delay(between(random, 0, (1.5 * stormMs) / issues.length));
    }
    return Promise.all(submitted);
  };
  const [acknowledged] = await Promise.all([submitAll(), storm.rage(stormMs)]);
  await scene.mesh.connected();

  // I4, I8: whatever was acknowledged ends, on every peer the same; a duplicate in favour of one that is done.
  let open: unknown = null;
  const all = await waitFor(
    'every task has ended, on every peer',
    async () => {
      const seen = await Promise.all(names.map(async (name) => (await scene.status(name)).tasks));
      const running = seen.flatMap((tasks) => tasks.filter((task) => !hasEnded(task)));
      const unknown = acknowledged.filter((id) => !seen.every((tasks) => tasks.some((task) => task.id === id)));
      open = { running, unknown, story: storm.story };
      return running.length + unknown.length === 0 && seen[0];
    },
    calmMs,
    () => open,
  );
  const byId = new Map(all.map((task): [string, TaskJson] => [task.id, task]));
  const survivor = (id: string): TaskJson | undefined => {
    const task = byId.get(id);
    return task?.state === 'cancelled' ? byId.get(task.duplicateOf ?? '') : task;
  };
  const ends = acknowledged.map((id, index) => ({ issue: issues[index] ?? 0, task: survivor(id) }));
  expect(ends.filter(({ task }) => task === undefined || task.state === 'cancelled')).toEqual([]);

  // I3: one branch and one pull request for each; for one that was given up there may be none.
  const done = ends.filter(({ task }) => task?.state === 'done').map(({ issue }) => issue);
  console.log(`chaos: ${storm.story.length} strikes; ${done.length} of ${issues.length} tasks done`);
  expect(done.map((issue) => [issue, scene.pullsFor(issue)])).toEqual(done.map((issue) => [issue, 1]));
  expect(issues.filter((issue) => scene.pullsFor(issue) > 1)).toEqual([]);
  const branches = ['main', ...issues.map((issue) => `peer/issue-${issue}`)];
  expect(Object.keys(scene.branches()).filter((branch) => !branches.includes(branch))).toEqual([]);
  expect(scene.github.violations()).toEqual([]);
  const failed = all.filter(({ state }) => state === 'failed').map(({ id }) => id);
  await expectNothingLeft(scene.mesh, failed);
  expect(readdirSync(temporary.path)).toEqual([]);
  const locks = scene.mesh.peers.flatMap(({ home }) => readdirSync(home, { recursive: true, encoding: 'utf8' }));
  expect(locks.filter((path) => path.endsWith('.lock'))).toEqual([]);
}, 300_000);

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'chaos-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
