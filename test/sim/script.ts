import type { AgentReport, Job, PublishStep, StopReason } from '../../src/protocol/agent.ts';
import type { CommitId } from '../../src/protocol/ids.ts';
import { type Draft, promptKey } from '../../src/protocol/record.ts';

type Timed = readonly [afterMs: number, report: AgentReport];

/** What an agent does with a job: reports, each so long after the one before. Empty = it works for ever. */
export type AgentScript = (job: Job, peer: string) => readonly Timed[];
/** What comes of a grant. Null = it is never heard of again. */
export type PublishScript = (job: Job, step: PublishStep, peer: string) => Timed | null;

/** What an agent says that is stopped; `stopped` comes last. */
export type StopScript = (job: Job, reason: StopReason, peer: string) => readonly Timed[];

export const someCommit = 'c'.repeat(40) as CommitId;
export const readyToPush: AgentReport = { type: 'ready', step: 'push', commit: someCommit, expectedTip: null };

/** Works for a second, then wants to push, and is done with the grant. */
export const quickAgent: AgentScript = () => [
  [500, { type: 'progress', text: 'half way', costUsd: null }],
  [500, readyToPush],
];
export const endlessAgent: AgentScript = () => [];

export const publishesAtOnce: PublishScript = () => [
  5,
  { type: 'published', result: { branch: 'peer/x', commit: someCommit, pullRequest: null }, costUsd: null },
];
export const neverPublishes: PublishScript = () => null;
export const stopsAtOnce: StopScript = () => [[5, { type: 'stopped' }]];

/** Something to do. */
export const draftOf = (fields: Partial<Draft> = {}): Draft => ({
  key: promptKey('1'),
  title: 'Fix the greeting',
  prompt: 'It says helo.',
  source: { type: 'prompt' },
  repository: { type: 'git', url: 'https://example.test/repo.git' },
  base: null,
  path: null,
  verify: null,
  requires: { specialties: [], explicit: false, reason: 'nothing is required' },
  priority: 'normal',
  limits: { wallMs: 3_600_000, idleMs: 600_000, budgetUsd: null },
  ...fields,
});
