import { printable } from './output.ts';

type Facts = Readonly<Record<string, unknown>>;

/** An event as people read it, in one short line: `3f9a01c2 assigned: attempt 1 to alpha`. Pure. */
export const logLine = (event: string, facts: Facts): string =>
  printable(withShortIds(sentenceOf(event, facts) ?? plain(event, facts)));

/** For what is read most; null for anything else. */
function sentenceOf(event: string, facts: Facts): string | null {
  const { task, attempt, name, reason } = facts;
  switch (event) {
    case 'story': {
      const story = Object(facts.story);
      return `${task} ${story.event}: ${story.detail}`;
    }
    case 'attempt-started':
      return `${task} attempt ${attempt} starts here`;
    case 'attempt-ended':
      return `${task} attempt ${attempt} has ended here: ${facts.how}`;
    case 'peer-up':
    case 'peer-down':
      return `${event} ${name}`;
    case 'executor':
      return `executor ${facts.executor}: ${facts.why}`;
    default:
      return typeof reason === 'string' && Object.keys(facts).length === 1 ? `${event}: ${reason}` : null;
  }
}

/** `peer-refused peer=a1b2c3d4 reason="another protocol version"` */
const plain = (event: string, facts: Facts): string =>
  [event, ...flat(facts).map(([name, value]) => `${name}=${textOf(value)}`)].join(' ');

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const flat = (facts: unknown): readonly (readonly [string, unknown])[] =>
  Object.entries(Object(facts)).flatMap(([name, value]) => (isNested(value) ? flat(value) : [[name, value] as const]));

const textOf = (value: unknown): string =>
  typeof value === 'string' && /^\S+$/.test(value) ? value : (JSON.stringify(value) ?? String(value));

/** As everywhere that people read them: the beginning of a task's, the end of a peer's. An address stays whole. */
const withShortIds = (text: string): string =>
  text
    .replaceAll(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1')
    .replaceAll(/(?<![/\w])12D3KooW[1-9A-HJ-NP-Za-km-z]{36}([1-9A-HJ-NP-Za-km-z]{8})\b/g, '$1');
