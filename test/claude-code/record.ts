/**
 * Records what the real CLI writes: `node test/claude-code/record.ts /path/to/claude`. The transcripts are what the ordinary
 * tests judge, so a change in them is read before it is kept.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argumentsFor, environmentFor } from '../../src/agents/executors/claude-code/command.ts';
import type { Login } from '../../src/agents/executors/claude-code/settings.ts';
import { claudeTools } from '../support/claude-tools.ts';
import {
  badKey,
  conversation,
  cutStream,
  first,
  noCredit,
  overloaded,
  rateLimited,
  type Script,
  says,
  turn,
  usageLimit,
  uses,
} from '../support/messages-api/script.ts';
import { MessagesApi } from '../support/messages-api/server.ts';

interface Scene {
  readonly script: (cwd: string) => Script;
  readonly login?: Login['type'];
  readonly tools?: readonly string[];
  readonly turns?: number;
  readonly costUsd?: number;
  readonly resume?: boolean;
}

const { bash, write } = claudeTools;
const done = turn([says('All done.\nTwo files were written.')], { usage: { input: 1_200, output: 50 } });
const again: Script = () => turn([says('Again.'), bash('echo again')], { usage: { input: 100_000, output: 100 } });
const always =
  (reply: ReturnType<typeof badKey>): Script =>
  () =>
    reply;

const scenes: Readonly<Record<string, Scene>> = {
  finished: {
    script: (cwd) =>
      conversation([
        turn([says('I shall write it.'), write(cwd, 'b.txt', 'b\n')], {
          usage: { input: 1_000, output: 100, cacheWrite: 300, cacheRead: 200 },
        }),
        turn([bash('cat b.txt')]),
        done,
      ]),
  },
  subagent: {
    script: () => {
      const ask = uses('Task', {
        description: 'Look around',
        prompt: 'Look around.',
        subagent_type: 'general-purpose',
      });
      const turns = [turn([ask]), turn([says('I have looked.')]), done];
      return () => turns.shift() ?? done;
    },
  },
  denied: { tools: ['Read', 'Bash(ls *)'], script: () => conversation([turn([bash('make forbidden.txt')]), done]) },
  'no-such-tool': { tools: ['Read'], script: () => conversation([turn([bash('touch forbidden.txt')]), done]) },
  'bad-key': { script: () => always(badKey()) },
  'no-credit': { script: () => always(noCredit()) },
  'rate-limited': { script: () => always(rateLimited(3_600)) },
  'plan-limit': { login: 'plan', script: () => always(usageLimit(1_800_000_000)) },
  overloaded: { script: () => always(overloaded()) },
  'cut-once': { script: () => first([cutStream()], conversation([done])) },
  'max-turns': { turns: 2, script: () => again },
  budget: { costUsd: 0.015, script: () => again },
  'no-conversation': { resume: true, script: () => conversation([done]) },
};

const recorded = fileURLToPath(new URL('../fixtures/claude-code/', import.meta.url));
const [claude] = process.argv.slice(2);
if (claude === undefined) throw new Error('which claude? node test/claude-code/record.ts /path/to/claude');
mkdirSync(recorded, { recursive: true });
for (const [name, scene] of Object.entries(scenes)) {
  const { lines, code } = await play(claude, scene);
  writeFileSync(join(recorded, `${name}.jsonl`), `${lines.join('\n')}\n`);
  process.stdout.write(`${name}: ${lines.length} lines, exit code ${code}\n`);
}

async function play(file: string, scene: Scene) {
  const root = mkdtempSync(join(tmpdir(), 'record-'));
  const [cwd, configDir, tmp] = ['clone', 'config', 'tmp'].map((one) => join(root, one)) as [string, string, string];
  for (const folder of [cwd, configDir, tmp]) mkdirSync(folder);
  const api = await new MessagesApi(scene.script(cwd)).start();
  const login = { type: scene.login ?? 'api-key', key: 'a key' } as Login;
  const start = { id: '11111111-2222-4333-8444-555555555555', isResumed: scene.resume ?? false, text: '' };
  const args = argumentsFor(start, {
    model: 'haiku',
    tools: scene.tools ?? null,
    systemFile: null,
    turns: scene.turns ?? 20,
    costUsd: scene.costUsd ?? null,
  });
  const gate = { url: api.url, pass: 'a key' };
  const env = environmentFor({ configDir, tmp, gate, login, retries: 1, limits: { idleMs: 60_000 } });
  const child = spawn(file, args, { cwd, env: { ...env, HOME: root }, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end('Please add b.txt.');
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  await api.close();
  rmSync(root, { recursive: true, force: true });
  const text = Buffer.concat(chunks).toString('utf8').replaceAll(cwd, '/clone').replaceAll(root, '/root-of-it');
  return { lines: text.trim().split('\n').map(shorter), code };
}

/** What differs from run to run, and lists that nobody reads. */
function shorter(line: string): string {
  const bulk =
    /^(?:uuid|timestamp|request_id|session_id|slash_commands|terminal_slash_commands|agents|skills|plugins|capabilities|subagent_stats|.*_ms|tool_result_meta|memory_paths|messaging_socket_path|api_message_id|begun_message_ids|.*_text|prompt)$/;
  return JSON.stringify(JSON.parse(line, (name, value) => (bulk.test(name) ? undefined : value)));
}
