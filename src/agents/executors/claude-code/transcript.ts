import { clip } from '../../lines.ts';
import type { OutputStream } from '../../processes/supervised.ts';
import type { ExecutorEvent } from '../executor.ts';
import { type Block, type ClaudeEvent, parseEvent, type ResultEvent } from './events.ts';
import { JsonLines } from './json-lines.ts';
import { logLines } from './log-lines.ts';
import { describeInput, firstLine, ToolUses } from './tool-uses.ts';

type EventOf<T extends ClaudeEvent['type']> = Extract<ClaudeEvent, { type: T }>;

const maxProgress = 300;
const maxLogged = 64 * 1024;
const maxDetail = 500;

/** One run of the CLI by the lines that it has written: events for the peer, and what its end will be judged by. */
export class Transcript {
  /** The last one, which the CLI writes at its end. */
  result: ResultEvent | null = null;
  /** Why the API has failed for good, as the CLI names it: `authentication_failed`, `billing_error`, `rate_limit`, … */
  apiError: string | null = null;
  /** The API refuses the login. The CLI would try ten times, for minutes. */
  isLoginRefused = false;
  /** The limit of a plan is reached; when it ends, in seconds since the epoch, where that was told. */
  planLimit: { readonly resetsAtSeconds: number | null } | null = null;
  /**
   * Whether the last line was work: something of the model or a tool. A retry is not, nor are the heartbeats of a tool that
   * hangs.
   */
  gotOn = true;
  readonly #cwd: string;
  readonly #lines = new JsonLines();
  readonly #uses = new ToolUses();
  readonly #deniedUses = new Set<string>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  take(piece: string, stream: OutputStream): readonly ExecutorEvent[] {
    this.gotOn = false;
    if (stream === 'stderr') return [output(piece, stream)];
    const whole = this.#lines.take(piece);
    if (whole === undefined) {
      this.gotOn = this.#lines.isWaiting;
      return this.gotOn ? [] : [output(piece, stream)];
    }
    const event = parseEvent(whole.json);
    this.gotOn = event !== null && event.type !== 'system' && event.type !== 'rate_limit_event';
    if (event === null) return isPulse(whole.json) ? [] : [output(whole.line, stream)];
    return [...logLines(event, this.#cwd).map((line) => output(line, stream)), ...this.#on(event)];
  }

  #on(event: ClaudeEvent): readonly ExecutorEvent[] {
    switch (event.type) {
      case 'assistant':
        if (event.error != null) this.apiError = event.error;
        return event.message.content.flatMap((block) => this.#said(block));
      case 'user':
        return typeof event.message.content === 'string'
          ? []
          : event.message.content.flatMap((one) => this.#given(one));
      case 'system':
        return this.#onSystem(event);
      case 'stream_event':
        return [];
      case 'rate_limit_event':
        this.#onLimit(event);
        return [];
      case 'result':
        return this.#onResult(event);
    }
  }

  #said({ type, text = '', id, name, input = {} }: Block): readonly ExecutorEvent[] {
    if (type === 'text') return progress(firstLine(text, maxProgress));
    if (type !== 'tool_use' || name === undefined) return [];
    const detail = describeInput(input, this.#cwd);
    if (id !== undefined) this.#uses.add(id, detail);
    return progress(`${name} ${detail}`.trimEnd());
  }

  /** A tool that this agent does not have is refused as a mistake of the model, not as a denial. */
  #given({ type, is_error, content, tool_use_id }: Block): readonly ExecutorEvent[] {
    if (type !== 'tool_result' || is_error !== true || typeof content !== 'string') return [];
    const [, tool] = /No such tool available: ([\w-]+)/.exec(content) ?? [];
    return tool === undefined ? [] : this.#denied(tool, tool_use_id, content);
  }

  #onSystem(event: EventOf<'system'>): readonly ExecutorEvent[] {
    if (event.subtype === 'permission_denied') {
      return this.#denied(event.tool_name ?? 'a tool', event.tool_use_id, event.message ?? '');
    }
    if (event.subtype !== 'api_retry') return [];
    if (event.error_status === 401) this.isLoginRefused = true;
    const what =
      event.error_status == null ? 'the connection to the API broke' : `the API answers ${event.error_status}`;
    return said(`${what}; try ${event.attempt ?? '?'} of ${event.max_retries ?? '?'}`);
  }

  #onLimit({ rate_limit_info: { status, resetsAt } }: EventOf<'rate_limit_event'>): void {
    this.planLimit = status === 'rejected' ? { resetsAtSeconds: resetsAt ?? null } : null;
  }

  #onResult(event: ResultEvent): readonly ExecutorEvent[] {
    this.result = event;
    return event.permission_denials.flatMap(({ tool_name, tool_use_id, tool_input }) =>
      this.#denied(tool_name, tool_use_id, describeInput(tool_input, this.#cwd)),
    );
  }

  /** Each use once: it is told when it happens, and in the result again. */
  #denied(tool: string, use: string | undefined, otherwise: string): readonly ExecutorEvent[] {
    if (use !== undefined && this.#deniedUses.has(use)) return [];
    if (use !== undefined) this.#deniedUses.add(use);
    return [{ type: 'denied', tool, detail: clip(this.#uses.detailOf(use) ?? otherwise, maxDetail) }];
  }
}

const output = (line: string, stream: OutputStream): ExecutorEvent => ({
  type: 'output',
  line: clip(line, maxLogged),
  stream,
});
/** For the log as well. */
const said = (text: string): readonly ExecutorEvent[] => [output(text, 'stdout'), ...progress(text)];
const progress = (text: string): readonly ExecutorEvent[] => (text === '' ? [] : [{ type: 'progress', text }]);

/** Says only that the CLI is alive, and would fill the log. */
const isPulse = (json: unknown): boolean => (json as { readonly type?: unknown }).type === 'tool_progress';
