import { randomUUID } from 'node:crypto';
import { wallMs } from '../../../protocol/ids.ts';
import { LastLines } from '../../lines.ts';
import {
  costLimitOf,
  type Executor,
  type ExecutorContext,
  type ExecutorEvent,
  type ExecutorOutcome,
  type Usable,
} from '../executor.ts';
import type { GateLogin, KeyGate } from '../key-gate.ts';
import { runLimited } from '../limited.ts';
import { Meter } from '../meter.ts';
import { Refusals } from '../refusals.ts';
import { claudeCommand, type Start } from './command.ts';
import { judge, type Verdict } from './judgement.ts';
import { PlanLogin } from './plan-login.ts';
import { findProgram, type Program, tryProgram } from './program.ts';
import { savedSession } from './session.ts';
import { type ClaudeCodeSettings, isBilled } from './settings.ts';
import { Transcript } from './transcript.ts';

const tailLines = 5;
const tailLine = 300;

type OnEvent = (event: ExecutorEvent) => void;

/** What all tries of one run share. */
interface Run {
  readonly program: Program;
  readonly gate: KeyGate;
  readonly refusals: Refusals;
  readonly context: ExecutorContext;
  readonly onEvent: OnEvent;
}

/**
 * The Claude Code CLI, headless. It is given neither key nor login: it calls the API through a gate of the peer's, and
 * its settings and conversations are in folders of the attempt.
 */
export class ClaudeCodeExecutor implements Executor {
  readonly name = 'claude-code';
  readonly session = 'claude-code';
  readonly #settings: ClaudeCodeSettings;

  constructor(settings: ClaudeCodeSettings) {
    this.#settings = settings;
  }

  async usable(): Promise<Usable> {
    const program = await findProgram(this.#settings);
    const runs = await tryProgram(program, this.#settings);
    if (!runs.usable || program === null || this.#settings.login.type !== 'plan') return runs;
    if (await new PlanLogin(program.file, this.#settings.own).isThere()) return runs;
    // A Mac's keychain opens only when its person logs in, and services begin before that.
    return { usable: false, reason: 'no login: run `claude` and /login, or set ANTHROPIC_API_KEY', mayPass: true };
  }

  async run(context: ExecutorContext, onEvent: OnEvent): Promise<ExecutorOutcome> {
    if (context.signal.aborted) return { type: 'interrupted' };
    const program = await findProgram(this.#settings);
    if (program === null) return { type: 'failed', reason: 'Claude Code is not installed here any more' };
    // Not at the start of every command of the CLI, most of which call no API.
    const { openKeyGate } = await import('../key-gate.ts');
    const refusals = new Refusals();
    const { login, baseUrl } = this.#settings;
    const meter = new Meter(isBilled(login) ? costLimitOf(context.limits) : null, onEvent);
    const gate = await openKeyGate({ login: this.#gateLogin(program), baseUrl, meter, watch: refusals.watch });
    try {
      return meter.check(await this.#tell({ program, gate, refusals, context, onEvent }));
    } finally {
      await gate.close();
    }
  }

  #gateLogin({ file }: Program): GateLogin {
    const { login, own } = this.#settings;
    switch (login.type) {
      case 'api-key':
        return { kind: 'api-key', key: login.key };
      case 'auth-token':
        return { kind: 'token', key: login.key };
      case 'oauth-token':
        return { kind: 'plan-token', key: login.key };
      case 'plan': {
        const plan = new PlanLogin(file, own);
        return { kind: 'plan-token', key: () => plan.token() };
      }
    }
  }

  async #tell(run: Run): Promise<ExecutorOutcome> {
    const { prompt, followUp, sessionDir } = run.context;
    const all = followUp === null ? prompt : `${prompt}\n\n${followUp}`;
    const id = followUp === null ? null : await savedSession(sessionDir);
    if (id !== null && followUp !== null) {
      const verdict = await this.#try(run, { id, isResumed: true, text: followUp });
      if (verdict.type !== 'no-session') return verdict;
    }
    const verdict = await this.#try(run, { id: randomUUID(), isResumed: false, text: all });
    return verdict.type === 'no-session' ? { type: 'failed', reason: 'Claude Code lost its session' } : verdict;
  }

  async #try({ program, gate, refusals, context, onEvent }: Run, start: Start): Promise<Verdict> {
    const settings = this.#settings;
    const { limits, signal, confine, cwd } = context;
    const command = await claudeCommand(context, { file: program.file, settings, gate }, start);
    const needs = { readable: program.readable, writable: [], hosts: [new URL(gate.url).host] };
    const transcript = new Transcript(cwd);
    const complaints = new LastLines(tailLines, tailLine);
    const refused = new AbortController();
    const exit = await runLimited(
      await confine(command, needs),
      limits,
      AbortSignal.any([signal, refused.signal]),
      (line, stream) => {
        for (const event of transcript.take(line, stream)) onEvent(event);
        if (stream === 'stderr') complaints.push(line);
        if (transcript.isLoginRefused) refused.abort();
      },
      () => transcript.gotOn,
    );
    if (signal.aborted) return { type: 'interrupted' };
    const { until: limitEnd } = refusals;
    const said = { transcript, complaints: complaints.all, limitEnd };
    return refusals.check(judge({ exit, ...said, limits, login: settings.login, now: wallMs(Date.now()) }));
  }
}
