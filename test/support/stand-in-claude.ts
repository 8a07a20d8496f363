/**
 * A stand-in for the Claude Code CLI: it plays transcripts that the real one has written, and keeps a conversation where that
 * does. Its first argument names what it is to do, and where it says how it was called.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the stand-in is to do, as JSON in a file. */
export interface StandInPlan {
  readonly folder: string;
  /** Of `test/fixtures/claude-code/`, without the ending. */
  readonly plays: string;
  /** Only so many lines of it. */
  readonly lines: number;
  readonly exitCode: number;
  /** How it ends its lines: as the transcript, or never, with a heartbeat now and then. */
  readonly ends: 'exit' | 'heartbeats' | 'silence';
  /** Calls the API before all else. */
  readonly asks: boolean;
  /** What `auth status` makes of the login. */
  readonly renewed: unknown;
}

/** How it was called: `calls/<n>.json` in its folder. */
export interface StandInCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly prompt: string;
  readonly settings: unknown;
}

if (process.argv[1] === import.meta.filename) await run();

async function run(): Promise<void> {
  const [planFile = '', ...args] = process.argv.slice(2);
  const plan = JSON.parse(readFileSync(planFile, 'utf8')) as StandInPlan;
  if (args[0] === '--version') return say('2.1.332 (Claude Code)\n');
  const config = process.env.CLAUDE_CONFIG_DIR ?? join(process.env.HOME ?? '', '.claude');
  const prompt = args[0] === '-p' ? readFileSync(0, 'utf8') : '';
  record(plan, args, prompt, config);
  if (args[0] === 'auth') return writeFileSync(join(config, '.credentials.json'), JSON.stringify(plan.renewed));
  const resumed = after(args, '--resume');
  if (resumed !== null && globSync(join(config, 'projects', '*', `${resumed}.jsonl`)).length === 0) {
    play('no-conversation', 1);
    process.exit(1);
  }
  keep(config, resumed ?? after(args, '--session-id') ?? '', prompt);
  if (plan.asks) await ask();
  play(plan.plays, plan.lines);
  if (plan.ends === 'exit') process.exit(plan.exitCode);
  setInterval(() => {
    if (plan.ends === 'heartbeats') say('{"type":"tool_progress","tool_name":"Bash","heartbeat":true}\n');
  }, 100);
}

function record({ folder }: StandInPlan, args: readonly string[], prompt: string, config: string): void {
  const calls = join(folder, 'calls');
  mkdirSync(calls, { recursive: true });
  const settings = join(config, 'settings.json');
  const call: StandInCall = {
    args,
    env: process.env as Record<string, string>,
    cwd: process.cwd(),
    prompt,
    settings: existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : null,
  };
  writeFileSync(join(calls, `${globSync(join(calls, '*')).length}.json`), JSON.stringify(call));
}

function keep(config: string, id: string, prompt: string): void {
  const [known] = globSync(join(config, 'projects', '*', `${id}.jsonl`));
  const file = known ?? join(config, 'projects', process.cwd().replaceAll(/[^a-zA-Z0-9]/g, '-'), `${id}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ type: 'user', prompt })}\n`, { flag: 'a' });
}

async function ask(): Promise<void> {
  const { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY, CLAUDE_CODE_OAUTH_TOKEN } = process.env;
  const pass = ANTHROPIC_API_KEY ?? CLAUDE_CODE_OAUTH_TOKEN ?? '';
  const body = JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] });
  const headers = { 'x-api-key': pass, 'content-type': 'application/json' };
  await (await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).text();
}

function play(name: string, count: number): void {
  const lines = readFileSync(new URL(`../fixtures/claude-code/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines.slice(0, count)) say(`${line}\n`);
}

function say(text: string): void {
  writeFileSync(1, text);
}

function after(args: readonly string[], flag: string): string | null {
  const at = args.indexOf(flag);
  return at < 0 ? null : (args[at + 1] ?? null);
}
