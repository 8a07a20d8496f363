import { afterEach, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/agents/executors/executor.ts';
import { alive } from '../agents/support.ts';
import { blocksOf } from '../support/messages-api/call.ts';
import {
  type Block,
  badKey,
  broken,
  conversation,
  cutStream,
  first,
  forbidden,
  noCredit,
  overloaded,
  type Reply,
  rateLimited,
  type Script,
  says,
  stalledStream,
  type Turn,
  turn,
  usageLimit,
} from '../support/messages-api/script.ts';
import { MessagesApi } from '../support/messages-api/server.ts';
import { patientMs, waitFor } from '../support/wait.ts';
import { type Behaviour, type Bench, type ExecutorWorld, executorContract, killAll, useBench } from './executor.ts';

/** The tools of an executor's agent, as its model calls them. */
export interface ToolSpelling {
  bash(command: string): Block;
  /** A file of the working folder. */
  write(cwd: string, name: string, content: string): Block;
}

export interface ModelHarness {
  readonly tools: ToolSpelling;
  /** An executor of that API, with pauses between tries that a test can wait for. */
  make(url: string, key: string): Executor;
  /** Told by the API in this executor's way; as to anybody else where left out. */
  readonly usageLimit?: (resetsAtSeconds: number) => Reply;
  /** Cases that do not apply, each with the reason. */
  readonly except?: Readonly<Partial<Record<Case, string>>>;
}

const key = 'sk-ant-a-key-for-tests';
/** Through the environments, the command lines and the input files of all that the run has started; in a way that does not find itself. */
const searchForKey = `
for p in /proc/[0-9]*; do
  grep -qa "$ISSUE_MESH_RUN" $p/environ || continue
  cat $p/environ $p/cmdline
  [ -f $p/fd/0 ] && cat $p/fd/0
done 2>/dev/null | tr '\\0' '\\n' | grep -ao -e 'ISSUE_MESH_RUN=.*' -e 'sk-ant-a[-]key-for-tests' | sort -u`;
const resetsAtSeconds = (): number => Math.floor(Date.now() / 1_000) + 7_200;

/** What every executor promises whose agent is a model behind the Messages API. */
export function modelExecutorContract(name: string, harness: ModelHarness): void {
  executorContract(name, () => modelWorld(harness));
  describe(`${name} keeps the contract of executors that call a model`, () => {
    const bench = useBench();
    let api: MessagesApi | null = null;
    afterEach(() => api?.close());
    const start = async (script: Script): Promise<World> => {
      const started = await new MessagesApi(script, [key]).start();
      api = started;
      return { api: started, bench, harness, executor: harness.make(started.url, key) };
    };
    for (const [title, run] of Object.entries(cases)) {
      if (harness.except?.[title as Case] === undefined) test(title, () => run({ start, bench, harness }));
    }
  });
}

interface World {
  readonly api: MessagesApi;
  readonly bench: Bench;
  readonly harness: ModelHarness;
  readonly executor: Executor;
}
interface Scene {
  readonly bench: Bench;
  readonly harness: ModelHarness;
  start(script: Script): Promise<World>;
}

/** Calls with tools are the conversation's; others are beside it. */
const mainCalls = ({ api }: World) => api.calls.filter(({ tools }) => tools.length > 0);

/** The work that ends well, whatever went wrong before. */
const wellInTheEnd = ({ bench, harness: { tools } }: Scene): Script =>
  conversation([
    turn([says('I shall write it.'), tools.write(bench.cwd, 'b.txt', 'b\n')], { usage: { input: 1_000, output: 100 } }),
    turn([says('all done')], { usage: { input: 1_200, output: 50 } }),
  ]);
const forEver =
  ({ tools }: ModelHarness, usage: Turn['usage'] = {}): Script =>
  (call) =>
    call.tools.length === 0 ? turn([says('ok')]) : turn([tools.bash('echo again')], { usage });
const always =
  (reply: () => Reply): Script =>
  () =>
    reply();

async function recoversFrom(scene: Scene, ...replies: readonly Reply[]): Promise<World> {
  const world = await scene.start(first(replies, wellInTheEnd(scene)));
  const outcome = await scene.bench.run(world.executor);
  expect(outcome).toMatchObject({ type: 'finished', summary: expect.stringContaining('all done') });
  expect(scene.bench.read('b.txt')).toBe('b\n');
  expect(mainCalls(world)).toHaveLength(replies.length + 2);
  // No reply was lost, and none told twice.
  const roles = mainCalls(world)
    .at(-1)
    ?.messages.map(({ role }) => role);
  expect(roles?.filter((role) => role === 'assistant')).toHaveLength(1);
  expect(world.api.objections).toEqual([]);
  return world;
}

async function runsOutAt(scene: Scene, script: Script) {
  const world = await scene.start(script);
  const outcome = await scene.bench.run(world.executor);
  expect(alive(scene.bench.mark)).toBe(0);
  if (outcome.type !== 'quota') throw new Error(`expected the outcome quota, got ${JSON.stringify(outcome)}`);
  return { ...outcome, world };
}

const cases = {
  'the model is told the task, by the key, with what is to be cached marked': async (scene: Scene) => {
    const world = await scene.start(wellInTheEnd(scene));
    await scene.bench.run(world.executor, { prompt: 'The one prompt.', specialist: { prompt: 'You are a tester.' } });
    for (const call of mainCalls(world)) {
      expect(call.key).toBe(key);
      expect(call.cacheControls).toBeGreaterThan(0);
      expect(JSON.stringify(call.messages)).toContain('The one prompt.');
      expect(JSON.stringify(call.system)).toContain('You are a tester.');
    }
  },
  'tokens and costs are told, as totals': async (scene: Scene) => {
    const world = await scene.start(wellInTheEnd(scene));
    await scene.bench.run(world.executor);
    expect(scene.bench.last('usage')).toMatchObject({ inputTokens: 2_200, outputTokens: 150 });
    expect(scene.bench.last('usage')?.costUsd).toBeGreaterThan(0);
  },
  'the model is the specialist’s': async (scene: Scene) => {
    const world = await scene.start(wellInTheEnd(scene));
    await scene.bench.run(world.executor, { specialist: { model: 'haiku' } });
    expect(mainCalls(world).every(({ model }) => model.includes('haiku'))).toBe(true);
  },
  'a rejected key makes it unavailable': async (scene: Scene) => {
    const { until, reason } = await runsOutAt(scene, always(badKey));
    expect(until).toBeNull();
    expect(reason).toMatch(/key/i);
  },
  'a key without the right makes it unavailable': async (scene: Scene) => {
    const { until, reason } = await runsOutAt(scene, always(forbidden));
    expect(until).toBeNull();
    expect(reason).toMatch(/key|403|permission/i);
  },
  'an account without credit makes it unavailable': async (scene: Scene) => {
    const { reason } = await runsOutAt(scene, always(noCredit));
    expect(reason).toMatch(/credit/i);
  },
  'a short limit of the rate is waited for': async (scene: Scene) => {
    await recoversFrom(scene, rateLimited(1));
  },
  'a long limit of the rate makes it unavailable until it ends': async (scene: Scene) => {
    const { until } = await runsOutAt(
      scene,
      always(() => rateLimited(3_600)),
    );
    expect(Math.abs((until ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  },
  'a plan’s usage limit makes it unavailable until the reset': async (scene: Scene) => {
    const at = resetsAtSeconds();
    const { until } = await runsOutAt(
      scene,
      always(() => (scene.harness.usageLimit ?? usageLimit)(at)),
    );
    expect(until).toBe(at * 1_000);
  },
  'a limit that is reached in mid-work makes it unavailable, and the work stays': async (scene: Scene) => {
    const at = resetsAtSeconds();
    const limited = (scene.harness.usageLimit ?? usageLimit)(at);
    const script = wellInTheEnd(scene);
    const { until } = await runsOutAt(scene, (call) => (call.turnsSoFar === 0 ? script(call) : limited));
    expect(until).toBe(at * 1_000);
    expect(scene.bench.read('b.txt')).toBe('b\n');
  },
  'an overloaded API is tried again': async (scene: Scene) => {
    await recoversFrom(scene, overloaded(), overloaded());
  },
  'an API that is broken is tried again': async (scene: Scene) => {
    await recoversFrom(scene, broken());
  },
  'an API that stays overloaded fails the run, with the reason': async (scene: Scene) => {
    const { executor } = await scene.start(always(overloaded));
    const outcome = await scene.bench.run(executor);
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/529|overloaded/i) });
  },
  'a stream that is cut is asked for again, and nothing is told twice': async (scene: Scene) => {
    await recoversFrom(scene, cutStream());
  },
  'a stream that is cut within a tool’s input runs no tool': async (scene: Scene) => {
    const half = turn([scene.harness.tools.write(scene.bench.cwd, 'half.txt', 'a long text that never arrives whole')]);
    await recoversFrom(scene, cutStream(half, 5));
    expect(scene.bench.read('half.txt')).toBeNull();
  },
  'the turns are limited': async (scene: Scene) => {
    const world = await scene.start(forEver(scene.harness));
    const outcome = await scene.bench.run(world.executor, { limits: { turns: 3 } });
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/3 turns|turns.*3/) });
    expect(mainCalls(world)).toHaveLength(3);
  },
  'the budget is limited': async (scene: Scene) => {
    const world = await scene.start(forEver(scene.harness, { input: 1_000_000, output: 1_000 }));
    const outcome = await scene.bench.run(world.executor, { limits: { costUsd: 0.5 } });
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/budget/i) });
    expect(mainCalls(world)).toHaveLength(1);
    expect(scene.bench.last('usage')?.costUsd).toBeGreaterThan(0.5);
  },
  'a tool that is not allowed is told of, and not run': async (scene: Scene) => {
    const { tools } = scene.harness;
    const world = await scene.start(
      conversation([turn([tools.bash('touch forbidden.txt')]), turn([says('all done')])]),
    );
    await scene.bench.run(world.executor, { specialist: { tools: ['Read', 'Write'] } });
    expect(scene.bench.last('denied')).toMatchObject({
      tool: expect.stringMatching(/^bash$/i),
      detail: expect.stringContaining('forbidden.txt'),
    });
    expect(scene.bench.read('forbidden.txt')).toBeNull();
  },
  'the key is nowhere that a tool can see': async (scene: Scene) => {
    const world = await scene.start(
      conversation([turn([scene.harness.tools.bash(searchForKey)]), turn([says('all done')])]),
    );
    await scene.bench.run(world.executor);
    const results = mainCalls(world).at(-1)?.messages.flatMap(blocksOf) ?? [];
    const seen = JSON.stringify(results.filter(({ type }) => type === 'tool_result'));
    expect(seen).toContain(scene.bench.mark);
    expect(seen).not.toContain(key);
  },
  'the session that goes on has all that was said, and the interrupted call as an error': async (scene: Scene) => {
    const world = await scene.start(interruptedScript(scene.harness, scene.bench.cwd));
    await interruptAndGoOn(world);
    const messages = mainCalls(world).at(-1)?.messages ?? [];
    const text = JSON.stringify(messages);
    expect(text.split('Please add b.txt.')).toHaveLength(2);
    expect(text).toContain('Go on now.');
    expect(messages.flatMap(blocksOf)).toContainEqual(expect.objectContaining({ type: 'tool_result', is_error: true }));
    expect(world.api.objections).toEqual([]);
  },
} satisfies Record<string, (scene: Scene) => Promise<void>>;
type Case = keyof typeof cases;

async function interruptAndGoOn({ bench, executor }: World): Promise<void> {
  const run = bench.run(executor);
  await waitFor('the second step', () => bench.read('begun.txt') !== null, patientMs, bench.progress);
  killAll(bench.mark);
  await run;
  expect(await bench.run(executor, { followUp: 'Go on now.' })).toMatchObject({ type: 'finished' });
}

const interruptedScript = ({ tools }: ModelHarness, cwd: string): Script =>
  conversation([
    turn([says('First.'), tools.write(cwd, 'first.txt', '1\n')]),
    turn([tools.bash('touch begun.txt; sleep 300')]),
    turn([tools.write(cwd, 'second.txt', '2\n')]),
    turn([says('all done')]),
  ]);

/** The behaviours of the general contract, as scripts. */
async function modelWorld(harness: ModelHarness): Promise<ExecutorWorld> {
  const api = await new MessagesApi(conversation([]), [key]).start();
  const { tools } = harness;
  const scripts: Readonly<Record<Behaviour, (cwd: string) => Script>> = {
    finishes: (cwd) => conversation([turn([tools.write(cwd, 'b.txt', 'b\n')]), turn([says('all done')])]),
    fails: () => always(overloaded),
    goesOnForEver: () => forEver(harness),
    fallsSilent: (cwd) => (call) =>
      call.turnsSoFar === 0 ? turn([tools.write(cwd, 'b.txt', 'b\n')]) : stalledStream(),
    startsAnother: () => conversation([turn([tools.bash('setsid sh -c "touch up.txt; sleep 300" & wait')])]),
    isInterrupted: (cwd) => interruptedScript(harness, cwd),
  };
  return {
    limitMs: 4_000,
    executor: (behaviour) => {
      const executor = harness.make(api.url, key);
      return {
        name: executor.name,
        session: executor.session,
        usable: () => executor.usable(),
        run: (context, onEvent) => {
          api.script = scripts[behaviour](context.cwd);
          return executor.run(context, onEvent);
        },
      };
    },
    close: () => api.close(),
  };
}
