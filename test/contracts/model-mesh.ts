import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectNothingLeft } from '../e2e/leftovers.ts';
import { generalists, Scene } from '../e2e/support.ts';
import type { Env } from '../support/cli.ts';
import type { PeerProcess, TaskJson } from '../support/mesh.ts';
import type { Call } from '../support/messages-api/call.ts';
import { conversation, type Script, says, turn, usageLimit } from '../support/messages-api/script.ts';
import { MessagesApi } from '../support/messages-api/server.ts';
import { waitFor } from '../support/wait.ts';
import type { ToolSpelling } from './model-executor.ts';

/** An executor that calls a model, as a person sets it up. */
export interface ModelSetup {
  readonly executor: string;
  readonly tools: ToolSpelling;
  /** For a peer that is to call this API with this key. */
  env(apiUrl: string, key: string): Env;
  /** The same for one that calls it on a plan, where that is another thing than a key. */
  planEnv?(apiUrl: string, token: string): Env;
  /** What an attempt's log says of the agent's session. */
  sessionIn(log: string): string | undefined;
}

const keyOf = (peer: string): string => `sk-ant-${peer}`;

/** What every executor that calls a model does in a mesh, by real processes and a scripted API. */
export function describeInAMesh({ executor, tools, env, planEnv, sessionIn }: ModelSetup): void {
  const start = (api: MessagesApi, envOf = env): Promise<Scene> => {
    const starts = generalists
      .slice(0, 3)
      .map((one) => ({ ...one, args: ['--checkpoint-every', '1s'], env: envOf(api.url, keyOf(one.name)) }));
    return Scene.start(starts, ['--executor', executor]);
  };

  describe(`the ${executor} executor, in a mesh`, () => {
    test('works on an issue, and tells what it has cost', async () => {
      const script = conversation([turn([tools.bash('sed -i s/helo/hello/ greeting.txt')]), turn([says('Mended.')])]);
      await using api = await new MessagesApi(script).start();
      await using scene = await start(api);
      const done = await scene.done('alpha', await scene.submit('alpha'), 60_000);
      expect(scene.pullsFor(7)).toBe(1);
      expect(scene.fileAt(done.result?.commit ?? '', 'greeting.txt')).toBe('hello\n');
      expect(done.attempts[0]?.costUsd).toBeGreaterThan(0);
      expect(api.objections).toEqual([]);
      await expectNothingLeft(scene.mesh);
    }, 120_000);

    test('killed with its peer in the middle of a command, it goes on elsewhere in the same session', async () => {
      const script = conversation([
        turn([says('Half of it first.'), tools.bash('echo half > half.txt')]),
        // There is always something new to save.
        turn([tools.bash('while :; do date +%N > clock.txt; sleep 0.2; done')]),
        turn([says('And the rest.'), tools.bash('rm clock.txt; echo rest > rest.txt')]),
        turn([says('Both halves are there.')]),
      ]);
      await using api = await new MessagesApi(script).start();
      await using scene = await start(api);
      const id = await scene.submit('alpha');
      const { worker: chosen } = await scene.task('alpha', id, 'a worker', (task) => task.worker !== null);
      const worker = scene.peer(chosen ?? '');
      await waitFor(
        'the command',
        () => clonesOf(worker).some((clone) => existsSync(join(clone, 'clock.txt'))),
        60_000,
      );
      const begunAtMs = Date.now();
      const isFromWithin = ({ at }: { readonly at: string }): boolean => Date.parse(at) > begunAtMs;
      const isSaved = ({ attempts }: TaskJson): boolean =>
        attempts.some(({ checkpoints }) => checkpoints.some(isFromWithin));
      await scene.task('alpha', id, 'a checkpoint from within the command', isSaved, 60_000);
      await worker.end('SIGKILL');
      const witness = scene.mesh.peers.find((peer) => peer !== worker)?.name ?? '';
      const done = await scene.done(witness, id, 60_000);
      expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['lapsed', 'done']);
      expect(scene.filesAt(done.result?.commit ?? '')).toEqual(['greeting.txt', 'half.txt', 'rest.txt']);
      expect(scene.pullsFor(7)).toBe(1);

      const [first, second] = done.attempts.map((attempt) => sessionIn(logOf(scene, id, attempt)));
      expect(first).toBeDefined();
      expect(second).toBe(first);
      // Of each turn one call: nothing was done twice.
      expect(turnsOf(api.calls)).toEqual([0, 1, 2, 3]);
      expect(api.objections).toEqual([]);
      // And nobody goes on, and spends, for the peer that is dead.
      await expectNothingLeft(scene.mesh);
    }, 180_000);

    test('out of its plan in mid-task, a peer hands over in seconds, and is back after the reset', async () => {
      const work = conversation([
        turn([tools.bash('echo half >> half.txt')]),
        turn([tools.bash('echo rest >> rest.txt')]),
        turn([says('Both halves are there.')]),
      ]);
      const plan = new Plan(40);
      const script: Script = (call) => {
        if (call.turnsSoFar === 1) plan.useUp(call);
        return plan.isUsedUpFor(call) ? usageLimit(plan.resetsAtS) : work(call);
      };
      await using api = await new MessagesApi(script).start();
      await using scene = await start(api, planEnv);
      const done = await scene.done('alpha', await scene.submit('alpha'), 60_000);
      expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['quota', 'done']);
      const [spent, next] = done.attempts;
      const peer = scene.mesh.peers.find(({ name }) => keyOf(name) === plan.key);
      expect(spent?.worker).toBe(peer?.id);
      expect(next?.worker).not.toBe(peer?.id);
      expect(Date.parse(next?.startedAt ?? '') - Date.parse(spent?.endedAt ?? '')).toBeLessThan(5_000);
      const commit = done.result?.commit ?? '';
      // Each half once: the second attempt went on where the first had stopped.
      expect([scene.fileAt(commit, 'half.txt'), scene.fileAt(commit, 'rest.txt')]).toEqual(['half\n', 'rest\n']);

      const own = async () => (await scene.status('alpha')).peers.find(({ peer: id }) => id === peer?.id);
      expect(Date.parse((await own())?.unavailable?.until ?? '')).toBe(plan.resetsAtS * 1_000);
      const answer = ({ bids }: TaskJson) => bids.find((bid) => bid.peer === peer?.id)?.declined;
      const meanwhile = await scene.done('alpha', await scene.submit('alpha', 8), 60_000);
      expect(answer(meanwhile)).toMatch(/^quota/);
      await waitFor('it is back', async () => (await own())?.unavailable === null, 60_000, own);
      scene.github.addIssue({ number: 50, title: 'Once more', body: 'It says helo.', labels: [] });
      const later = await scene.done('alpha', await scene.submit('alpha', 50), 60_000);
      expect(answer(later)).toBeNull();
    }, 240_000);
  });
}

/** Whoever uses it up first can use it again after so many seconds. */
class Plan {
  readonly #afterS: number;
  key: string | null = null;
  resetsAtS = 0;

  constructor(afterS: number) {
    this.#afterS = afterS;
  }

  useUp({ key }: Call): void {
    if (this.key !== null) return;
    this.key = key;
    this.resetsAtS = Math.ceil(Date.now() / 1_000) + this.#afterS;
  }

  isUsedUpFor({ key }: Call): boolean {
    return key === this.key && Date.now() < this.resetsAtS * 1_000;
  }
}

const turnsOf = (calls: readonly Call[]): readonly number[] =>
  calls.filter(({ tools }) => tools.length > 0).map(({ turnsSoFar }) => turnsSoFar);

const clonesOf = ({ home }: PeerProcess): readonly string[] => {
  const work = join(home, 'work');
  return existsSync(work) ? readdirSync(work).map((name) => join(work, name, 'clone')) : [];
};

const logOf = (scene: Scene, id: string, { number, worker }: TaskJson['attempts'][number]): string =>
  readFileSync(join(scene.peer(worker).home, 'logs', id, `${number}.log`), 'utf8');
