import { setTimeout as sleep } from 'node:timers/promises';
import type { Anthropic } from '@anthropic-ai/sdk';
import type { BetaMessageStream } from '@anthropic-ai/sdk/lib/BetaMessageStream';
import type { BetaMessage, BetaToolUseBlock } from '@anthropic-ai/sdk/resources/beta';
import { wallMs } from '../../../protocol/ids.ts';
import { clip } from '../../lines.ts';
import type { Conversation } from './conversation.ts';
import { judge } from './failures.ts';
import { describeUse, detailOf, type Toolset } from './tools.ts';
import { type Ended, maxText, type Order, type Tell } from './wire.ts';

const maxTokens = 32_000;
/** How often to say that something still comes. */
const aliveEveryMs = 250;

/** A call that brought no whole reply. */
class CallFailed extends Error {}

export interface LoopParts {
  readonly order: Order;
  readonly client: Anthropic;
  readonly system: string;
  readonly toolset: Toolset;
  readonly conversation: Conversation;
  readonly tell: Tell;
}

/**
 * The model and its tools, in turns, until it has finished or a limit is reached. The SDK's runner makes the turns; one that
 * fails is followed by another, which goes on from the conversation as it was after the last whole reply.
 */
export class AgentLoop {
  readonly #parts: LoopParts;
  #turnsLeft: number;
  /** Calls that have failed since the last whole reply. */
  #failures = 0;
  #lastAliveMs = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#turnsLeft = parts.order.turns;
  }

  async run(): Promise<Ended> {
    for (;;) {
      try {
        const ended = this.#limitReached() ?? (await this.#takeTurns());
        if (ended !== null) return ended;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        const ended = await this.#recover(error.cause);
        if (ended !== null) return ended;
      }
    }
  }

  #limitReached(): Ended | null {
    const { order } = this.#parts;
    return this.#turnsLeft > 0 ? null : failed(`the agent did not finish within ${order.turns} turns, its limit`);
  }

  /** Null where it is to go on, with another runner. */
  async #takeTurns(): Promise<Ended | null> {
    const { order, client, system, toolset, conversation } = this.#parts;
    const runner = client.beta.messages.toolRunner({
      model: order.model,
      max_tokens: maxTokens,
      // Two marks for the cache: what never changes, and, for the API to move, the end of the conversation.
      system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
      cache_control: { type: 'ephemeral' },
      tools: [...toolset.tools],
      messages: [...conversation.messages],
      max_iterations: this.#turnsLeft,
      stream: true,
      thread: false,
    });
    for await (const stream of runner) {
      const reply = await this.#replyOf(stream);
      // The API says nothing at all at times, and takes no message that does.
      if (reply.content.length > 0) await conversation.add({ role: 'assistant', content: reply.content });
      this.#tellOf(reply);
      if (!isGoingOn(reply)) return this.#afterLast(reply);
      const results = await runner.generateToolResponse();
      if (results !== null) await conversation.add(results);
      const ended = this.#limitReached();
      if (ended !== null) return ended;
    }
    return null;
  }

  async #replyOf(stream: BetaMessageStream): Promise<BetaMessage> {
    stream.on('streamEvent', () => this.#sayAlive());
    try {
      const reply = await stream.finalMessage();
      if (reply.stop_reason === null) throw new Error('the stream ended too early');
      this.#turnsLeft -= 1;
      this.#failures = 0;
      return reply;
    } catch (error) {
      throw new CallFailed('a call failed', { cause: error });
    }
  }

  /** A reply that calls no tool, or was cut off. */
  async #afterLast({ stop_reason, stop_details, content }: BetaMessage): Promise<Ended | null> {
    const { conversation } = this.#parts;
    const text = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
    switch (stop_reason) {
      case 'end_turn':
      case 'stop_sequence':
        return { type: 'finished', summary: text.trim() === '' ? null : clip(text.trim(), maxText) };
      case 'max_tokens':
        await conversation.object(
          'Your reply was cut off: it was too long. Nothing that it asked for was done. Go on in shorter steps.',
        );
        return null;
      case 'model_context_window_exceeded':
        await conversation.object(
          'Your reply was cut off: the conversation had become too long. Nothing that it asked for was done. Go on.',
        );
        return (await conversation.shorten()) ? null : failed('the conversation is too long for the model');
      case 'refusal':
        return failed(`the model refused: ${stop_details?.explanation ?? (text || 'it gave no reason')}`);
      default:
        return failed(`the model stopped, for the reason \`${stop_reason}\``);
    }
  }

  /** After a call that failed: null where another try is to be made. */
  async #recover(error: unknown): Promise<Ended | null> {
    const { order, conversation, tell } = this.#parts;
    const verdict = judge(error, wallMs(Date.now()));
    switch (verdict.type) {
      case 'final':
        return failed(verdict.reason);
      case 'quota':
        return { type: 'quota', until: verdict.until, reason: clip(verdict.reason, maxText) };
      case 'too-long':
        tell({ type: 'progress', text: 'the conversation has become too long: forgetting what is long past' });
        return (await conversation.shorten()) ? null : failed(`the conversation is too long (${verdict.reason})`);
      case 'passing': {
        const pauseMs = order.backoffMs[this.#failures];
        if (pauseMs === undefined) return failed(`${verdict.reason}; tried ${this.#failures + 1} times`);
        this.#failures += 1;
        await this.#wait(verdict.waitMs ?? pauseMs, verdict.reason);
        return null;
      }
    }
  }

  async #wait(ms: number, why: string): Promise<void> {
    const { tell } = this.#parts;
    const again = `try ${this.#failures + 1} of ${this.#parts.order.backoffMs.length + 1} in ${Math.ceil(ms / 1_000)} s`;
    tell({ type: 'progress', text: clip(`${why}: ${again}`, maxText) });
    for (let leftMs = ms; leftMs > 0; leftMs -= aliveEveryMs) {
      await sleep(Math.min(leftMs, aliveEveryMs));
      tell({ type: 'alive' });
    }
  }

  #tellOf({ content }: BetaMessage): void {
    for (const block of content) {
      if (block.type === 'text') this.#tellOfText(block.text.trim());
      if (block.type === 'tool_use') this.#tellOfUse(block);
    }
  }

  /** Its first line tells what the model is about. */
  #tellOfText(text: string): void {
    if (text === '') return;
    for (const [i, line] of text.split('\n').entries()) {
      this.#parts.tell({ type: i === 0 ? 'progress' : 'said', text: clip(line, maxText) });
    }
  }

  #tellOfUse(use: BetaToolUseBlock): void {
    const { toolset, tell } = this.#parts;
    if (toolset.isAllowed(use.name)) return tell({ type: 'progress', text: describeUse(use) });
    tell({ type: 'denied', tool: clip(use.name, 200), detail: detailOf(use.input) });
  }

  #sayAlive(): void {
    if (performance.now() - this.#lastAliveMs < aliveEveryMs) return;
    this.#lastAliveMs = performance.now();
    this.#parts.tell({ type: 'alive' });
  }
}

const isGoingOn = ({ stop_reason }: BetaMessage): boolean => stop_reason === 'tool_use' || stop_reason === 'pause_turn';

const failed = (reason: string): Ended => ({ type: 'failed', reason: clip(reason, maxText) });
