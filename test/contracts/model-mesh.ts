import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clonesOf } from '../e2e/gate.ts';
import { expectNothingLeft } from '../e2e/leftovers.ts';
import { generalists, Scene } from '../e2e/support.ts';
import type { Env } from '../support/cli.ts';
import type { TaskJson } from '../support/mesh.ts';
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
      // The first to be done may have been begun before, without the call of the command in its session.
      const isSaved = ({ attempts }: TaskJson): boolean =>
        attempts.some(({ checkpoints }) => checkpoints.filter(isFromWithin).length > 1);
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
      const plans = new Plans();
      const script: Script = (call) => {
        const resetsAtS = plans.resetOf(call);
        return resetsAtS === null ? work(call) : usageLimit(resetsAtS);
      };
      await using api = await new MessagesApi(script).start();
      await using scene = await start(api, planEnv);
      const unavailable = async (id: string) =>
        (await scene.status('alpha')).peers.find(({ peer }) => peer === id)?.unavailable;

      // For longer than this test takes.
      plans.usedUpNextForS = 3_600;
      const handedOver = await scene.done('alpha', await scene.submit('alpha'));
      expect(handedOver.attempts.map(({ outcome }) => outcome)).toEqual(['quota', 'done']);
      const [first, next] = handedOver.attempts;
      const spent = first?.worker ?? '';
      expect(next?.worker).not.toBe(spent);
      expect(Date.parse(next?.startedAt ?? '') - Date.parse(first?.endedAt ?? '')).toBeLessThan(5_000);
      const commit = handedOver.result?.commit ?? '';
      // Each half once: the second attempt went on where the first had stopped.
      expect([scene.fileAt(commit, 'half.txt'), scene.fileAt(commit, 'rest.txt')]).toEqual(['half\n', 'rest\n']);
      const resetsAtS = plans.resets.get(keyOf(scene.peer(spent).name)) ?? 0;
      expect(Date.parse((await unavailable(spent))?.until ?? '')).toBe(resetsAtS * 1_000);

      // For a moment.
      plans.usedUpNextForS = 3;
      const another = await scene.done('alpha', await scene.submit('alpha', 8));
      expect(another.attempts.map(({ outcome }) => outcome)).toEqual(['quota', 'done']);
      const brief = another.attempts[0]?.worker ?? '';
      expect(brief).not.toBe(spent);
      await waitFor('it is back', async () => (await unavailable(brief)) === null);
      const answers = await answersOf(scene, [spent, brief]);
      expect(answers).toEqual([expect.stringMatching(/^quota/), null]);
    }, 240_000);
  });
}

/** Whoever is in mid-task when a plan is to be used up has none for so many seconds. */
class Plans {
  readonly resets = new Map<string | null, number>();
  usedUpNextForS: number | null = null;

  /** When the caller's plan is back, in seconds since the epoch; null where it can be used. */
  resetOf({ key, turnsSoFar }: Call): number | null {
    if (turnsSoFar === 1 && this.usedUpNextForS !== null) {
      this.resets.set(key, Math.ceil(Date.now() / 1_000) + this.usedUpNextForS);
      this.usedUpNextForS = null;
    }
    const reset = this.resets.get(key) ?? 0;
    return Date.now() < reset * 1_000 ? reset : null;
  }
}

/** How these peers answer a call for bids: null for a bid, else the reason. Who is late for one call is asked again. */
async function answersOf(scene: Scene, peers: readonly string[]): Promise<readonly (string | null)[]> {
  for (let issue = 50; ; issue += 1) {
    scene.github.addIssue({ number: issue, title: 'Once more', body: 'It says helo.', labels: [] });
    const { bids } = await scene.done('alpha', await scene.submit('alpha', issue));
    const answers = peers.flatMap((peer) => bids.filter((bid) => bid.peer === peer).map(({ declined }) => declined));
    if (answers.length === peers.length) return answers;
  }
}

const turnsOf = (calls: readonly Call[]): readonly number[] =>
  calls.filter(({ tools }) => tools.length > 0).map(({ turnsSoFar }) => turnsSoFar);

const logOf = (scene: Scene, id: string, { number, worker }: TaskJson['attempts'][number]): string =>
  readFileSync(join(scene.peer(worker).home, 'logs', id, `${number}.log`), 'utf8');
