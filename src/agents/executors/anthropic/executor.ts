import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFresh } from '../../fresh-file.ts';
import { LastLines } from '../../lines.ts';
import { agentEnvironment } from '../../processes/environment.ts';
import type { SupervisedCommand } from '../../processes/supervised.ts';
import {
  commandShare,
  costLimitOf,
  type Executor,
  type ExecutorContext,
  type ExecutorEvent,
  type ExecutorOutcome,
  type Usable,
} from '../executor.ts';
import type { KeyGate } from '../key-gate.ts';
import { cutShort, type LimitedExit, runLimited } from '../limited.ts';
import { Meter } from '../meter.ts';
import { Refusals } from '../refusals.ts';
import { codePlaces } from './places.ts';
import { type AnthropicSettings, modelId } from './settings.ts';
import { type Ended, type Order, parseLine } from './wire.ts';

const agentPath = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './agent.ts' : './agent.js', import.meta.url),
);

const tailLines = 5;
const tailLine = 300;

/** An agent on the Anthropic API: the SDK's tool runner with its own tools, in a program of its own (`agent.ts`). */
export class AnthropicExecutor implements Executor {
  readonly name = 'anthropic';
  readonly session = 'anthropic';
  readonly #settings: AnthropicSettings;

  constructor(settings: AnthropicSettings) {
    this.#settings = settings;
  }

  async usable(): Promise<Usable> {
    return this.#settings.apiKey === null
      ? { usable: false, reason: 'no key: set ANTHROPIC_API_KEY' }
      : { usable: true };
  }

  async run(context: ExecutorContext, onEvent: (event: ExecutorEvent) => void): Promise<ExecutorOutcome> {
    const { apiKey, baseUrl } = this.#settings;
    if (apiKey === null) return { type: 'failed', reason: 'no key: set ANTHROPIC_API_KEY' };
    // Not at the start of every command of the CLI, most of which call no API.
    const { openKeyGate } = await import('../key-gate.ts');
    const refusals = new Refusals();
    const meter = new Meter(costLimitOf(context.limits), onEvent);
    const gate = await openKeyGate({ login: { kind: 'api-key', key: apiKey }, baseUrl, meter, watch: refusals.watch });
    try {
      return meter.check(refusals.check(await this.#run(context, gate, onEvent)));
    } finally {
      await gate.close();
    }
  }

  async #run(
    context: ExecutorContext,
    gate: KeyGate,
    onEvent: (event: ExecutorEvent) => void,
  ): Promise<ExecutorOutcome> {
    const { limits, signal, confine } = context;
    const command = await this.#command(context, gate);
    const needs = { readable: await codePlaces(agentPath), writable: [], hosts: [new URL(gate.url).host] };
    const heard = new Heard(onEvent);
    const exit = await runLimited(await confine(command, needs), limits, signal, (line, stream) =>
      stream === 'stdout' ? heard.line(line) : heard.complaint(line),
    );
    if (exit.type === 'interrupted') return { type: 'interrupted' };
    return heard.ended ?? { type: 'failed', reason: heard.withTail(reasonOf(exit, context)) };
  }

  async #command(context: ExecutorContext, gate: KeyGate): Promise<SupervisedCommand> {
    const { folder, cwd, mark } = context;
    const [stdin, tmp] = [join(folder, 'order.json'), join(folder, 'tmp')];
    await mkdir(tmp, { recursive: true });
    await writeFresh(stdin, JSON.stringify(this.#order(context, gate)));
    const env = agentEnvironment({ tmp });
    return { file: process.execPath, args: [agentPath], cwd, env, mark, stdin, folder };
  }

  #order(context: ExecutorContext, { url, pass }: KeyGate): Order {
    const { specialist, prompt, followUp, limits, cwd, sessionDir } = context;
    return {
      baseUrl: url,
      pass,
      model: modelId(specialist.model),
      specialist: specialist.prompt,
      tools: specialist.tools === null ? null : [...specialist.tools],
      prompt,
      followUp,
      cwd,
      sessionDir,
      turns: limits.turns,
      commandMs: Math.floor(limits.idleMs * commandShare),
      backoffMs: [...this.#settings.backoffMs],
    };
  }
}

/** What the agent program has said. */
class Heard {
  ended: Ended | null = null;
  readonly #onEvent: (event: ExecutorEvent) => void;
  readonly #tail = new LastLines(tailLines, tailLine);

  constructor(onEvent: (event: ExecutorEvent) => void) {
    this.#onEvent = onEvent;
  }

  line(text: string): void {
    const line = parseLine(text);
    switch (line?.type) {
      case 'progress':
        this.#onEvent({ type: 'output', line: line.text, stream: 'stdout' });
        return this.#onEvent(line);
      case 'said':
        return this.#onEvent({ type: 'output', line: line.text, stream: 'stdout' });
      case 'denied':
        return this.#onEvent(line);
      case 'ended':
        this.ended ??= line.outcome;
    }
  }

  complaint(line: string): void {
    this.#onEvent({ type: 'output', line, stream: 'stderr' });
    this.#tail.push(line);
  }

  withTail(reason: string): string {
    const { all } = this.#tail;
    return all.length === 0 ? reason : `${reason}; its last output: ${all.join(' | ')}`;
  }
}

function reasonOf(exit: Exclude<LimitedExit, { type: 'interrupted' }>, { limits }: ExecutorContext): string {
  switch (exit.type) {
    case 'exited':
      return `the agent program ended with ${exit.signal ?? `exit code ${exit.code}`}`;
    case 'not-started':
      return `the agent program could not run: ${exit.reason}`;
    case 'over-time':
    case 'silent':
      return `the agent ${cutShort(exit.type, limits)}`;
  }
}
