import { expect, it } from 'vitest';
import { logLine } from '../../src/cli/log-line.ts';

const task = `3f9a01c2${'0'.repeat(56)}`;
const peer = `12D3KooW${'a'.repeat(36)}hCyGazx9`;

it.each<[string, string, object]>([
  [
    '3f9a01c2 assigned: attempt 1 to alpha; hCyGazx9 bid 0.85',
    'story',
    { task, story: { at: 1, by: peer, event: 'assigned', detail: `attempt 1 to alpha; ${peer} bid 0.85` } },
  ],
  ['3f9a01c2 attempt 2 starts here', 'attempt-started', { task, attempt: 2 }],
  ['3f9a01c2 attempt 2 has ended here: failed', 'attempt-ended', { task, attempt: 2, how: 'failed' }],
  ['peer-up beta', 'peer-up', { peer, name: 'beta' }],
  ['peer-down beta', 'peer-down', { peer, name: 'beta' }],
  ['executor command: as asked', 'executor', { executor: 'command', why: 'as asked' }],
  ['no-sandbox: not installed', 'no-sandbox', { reason: 'not installed' }],
  ['peer-refused peer=hCyGazx9 reason="another version"', 'peer-refused', { peer, reason: 'another version' }],
  ['stopping', 'stopping', {}],
  [
    'generation task=3f9a01c2 number=2 electorate=["hCyGazx9"] forced=false',
    'generation',
    { task, generation: { number: 2, electorate: [peer], forced: false } },
  ],
  // An address is there to be copied.
  [
    `nobody-answers at=["/ip4/10.0.0.1/tcp/1/p2p/${peer}"]`,
    'nobody-answers',
    { at: [`/ip4/10.0.0.1/tcp/1/p2p/${peer}`] },
  ],
  ['3f9a01c2 ended: one two', 'story', { task, story: { event: 'ended', detail: 'one\ntwo\u001b[2J' } }],
])('%s', (line, event, facts) => {
  expect(logLine(event, { ...facts })).toBe(line);
});
