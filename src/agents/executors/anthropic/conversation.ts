import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BetaContentBlockParam,
  BetaMessageParam,
  BetaToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/beta';
import { z } from 'zod';

const fileName = 'session.json';
/** More than any model could be told at once. */
const maxBytes = 48 * 1024 * 1024;

const blockSchema = z.looseObject({ type: z.string() });
const sessionSchema = z.object({
  version: z.literal(1),
  id: z.uuid(),
  messages: z
    .array(
      z.object({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(blockSchema).min(1)]) }),
    )
    .min(1),
});

/** Shorter ones are not worth forgetting. */
const leastForgotten = 500;
const forgotten = '[left out: this is long past, and the conversation had become too long]';
const interrupted =
  'interrupted: this was not heard of again. It may have had an effect or none; look before you do it again.';

export interface Opening {
  readonly prompt: string;
  readonly followUp: string | null;
}

/**
 * What the model and its tools have said to each other. It is on disk, whole, after every message: killed between a reply
 * and the results of its tools, it says on the next opening that these were interrupted.
 */
export class Conversation {
  readonly id: string;
  readonly isResumed: boolean;
  readonly #path: string;
  readonly #messages: BetaMessageParam[];

  private constructor(path: string, id: string, isResumed: boolean, messages: readonly BetaMessageParam[]) {
    this.#path = path;
    this.id = id;
    this.isResumed = isResumed;
    this.#messages = [...messages];
  }

  /** Goes on with what is in the folder, where there is something to say to it; else begins. */
  static async open(folder: string, { prompt, followUp }: Opening): Promise<Conversation> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, fileName);
    const saved = followUp === null ? null : await load(path);
    if (saved === null || followUp === null) {
      const first = [prompt, ...(followUp === null ? [] : [followUp])].join('\n');
      return Conversation.#saved(new Conversation(path, randomUUID(), false, [{ role: 'user', content: first }]));
    }
    const conversation = new Conversation(path, saved.id, true, saved.messages);
    const text = { type: 'text', text: followUp } as const;
    conversation.#messages.push({ role: 'user', content: [...conversation.#unanswered(interrupted), text] });
    return Conversation.#saved(conversation);
  }

  static async #saved(conversation: Conversation): Promise<Conversation> {
    await conversation.#save();
    return conversation;
  }

  get messages(): readonly BetaMessageParam[] {
    return this.#messages;
  }

  async add(message: BetaMessageParam): Promise<void> {
    this.#messages.push(message);
    await this.#save();
  }

  /** Says that the last reply was of no use, and that none of its tools were run. */
  async object(text: string): Promise<void> {
    await this.add({ role: 'user', content: [...this.#unanswered(text), { type: 'text', text }] });
  }

  /** Forgets the older half of what tools have said at length; false where nothing is left to forget. */
  async shorten(): Promise<boolean> {
    const long = this.#messages
      .flatMap(blocksOf)
      .filter((block) => block.type === 'tool_result')
      .filter(({ content }) => JSON.stringify(content ?? '').length > leastForgotten);
    for (const block of long.slice(0, Math.ceil(long.length / 2))) block.content = forgotten;
    if (long.length > 0) await this.#save();
    return long.length > 0;
  }

  /** The same for every use of a tool that the model has ended with. */
  #unanswered(text: string): BetaToolResultBlockParam[] {
    const last = this.#messages.at(-1);
    if (last?.role !== 'assistant') return [];
    return blocksOf(last).flatMap((block) =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: text, is_error: true }]
        : [],
    );
  }

  async #save(): Promise<void> {
    const next = `${this.#path}.next`;
    await writeFile(next, JSON.stringify({ version: 1, id: this.id, messages: this.#messages }));
    await rename(next, this.#path);
  }
}

const blocksOf = ({ content }: BetaMessageParam): readonly BetaContentBlockParam[] =>
  Array.isArray(content) ? content : [];

interface Saved {
  readonly id: string;
  readonly messages: readonly BetaMessageParam[];
}

/** Null where there is none that can be read. */
async function load(path: string): Promise<Saved | null> {
  try {
    if ((await stat(path)).size > maxBytes) return null;
    const { id, messages } = sessionSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    // What kinds of blocks there are is the API's to judge.
    return { id, messages: messages as unknown as readonly BetaMessageParam[] };
  } catch {
    return null;
  }
}
