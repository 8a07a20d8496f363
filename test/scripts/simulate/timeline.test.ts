import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../../scripts/simulate/summary.ts';
import { timelinePage } from '../../../scripts/simulate/timeline/page.ts';
import { peerLanes, taskLanes } from '../../../scripts/simulate/timeline/scene.ts';
import type { RunResult } from '../../sim/result.ts';
import { attempt, optionsOf, resultOf, taskOf, unsafe } from './sample.ts';

const pageOf = (fields: Partial<RunResult>): string => {
  const result = resultOf(fields);
  return timelinePage(summaryOf(optionsOf(), result), result);
};

describe('the scene', () => {
  it('has a lane for each peer, idle ones too', () => {
    const lanes = peerLanes(resultOf());
    expect(lanes.map(({ name, note }) => [name, note])).toEqual([
      ['ada', '1 attempt'],
      ['bob', '0 attempts'],
    ]);
    expect(lanes[1]?.leaders).toHaveLength(1);
  });

  it('gives attempts that overlap rows of their own, and takes a row again once it is free', () => {
    const tasks = [
      taskOf({ attempts: [attempt(1, 'ada', 0, 100)] }),
      taskOf({ attempts: [attempt(1, 'ada', 50, 150)] }),
      taskOf({ attempts: [attempt(1, 'ada', 100, 200)] }),
    ];
    expect(peerLanes(resultOf({ tasks }))[0]?.attempts.map(({ row }) => row)).toEqual([0, 1, 0]);
  });

  it('lets a busy leader share rows rather than grow without end', () => {
    const tasks = Array.from({ length: 30 }, () => taskOf());
    const rows = peerLanes(resultOf({ tasks }))[1]?.leaders.map(({ row }) => row) ?? [];
    expect(Math.max(...rows)).toBe(5);
  });

  it('draws what has not ended to the end of the run', () => {
    const tasks = [taskOf({ state: 'open', endedMs: null, attempts: [attempt(1, 'ada', 10, null, null)] })];
    const [lane] = taskLanes(resultOf({ tasks }));
    expect(lane?.attempts[0]).toMatchObject({ kind: 'running', untilMs: 120_000 });
    expect(lane?.shades[0]?.untilMs).toBe(120_000);
  });

  it('shades each lane that a fault has met', () => {
    const faults = [{ kind: 'cut', peers: ['ada', 'bob'], fromMs: 1_000, untilMs: null }];
    const lanes = peerLanes(resultOf({ faults }));
    expect(lanes.map(({ shades }) => shades.map(({ untilMs }) => untilMs))).toEqual([[120_000], [120_000]]);
  });
});

describe('the page', () => {
  it('asks nothing of any network', () => {
    const page = pageOf({});
    expect(page).not.toMatch(/https?:|\bsrc=|@import|<link/);
    expect(page).toMatch(/<style>\n[^<]+<\/style>/);
  });

  it('places a bar where its attempt was', () => {
    const tasks = [taskOf({ attempts: [attempt(1, 'ada', 30_000, 60_000)] })];
    expect(pageOf({ tasks })).toContain('<div class="bar" style="left:25%;width:25%"');
  });

  it('takes no title for markup', () => {
    const page = pageOf({ tasks: [taskOf({ title: '<script>alert("x")</script> & more' })] });
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)');
  });

  it('marks what was violated, when and how to see it again', () => {
    const page = pageOf({ violations: [unsafe] });
    expect(page).toContain('class="mark violation" style="left:51.02833%"');
    expect(page).toContain('--seed 7 --profile rough');
    expect(pageOf({})).not.toContain('class="mark violation"');
  });

  it('explains what it draws, each kind of fault in a look of its own, and nothing else', () => {
    const kinds = ['crash', 'cut', 'goodbye', 'one-way cut', 'pause', 'sleep', 'slow'];
    const faults = kinds.map((kind) => ({ kind, peers: ['ada'], fromMs: 0, untilMs: 10 }));
    const tasks = [taskOf({ attempts: [attempt(1, 'ada', 0, 10, 'failed'), attempt(2, 'bob', 20, 30)] })];
    const legend = /<p class="legend">(.*)<\/p>/.exec(pageOf({ faults, tasks }))?.[1] ?? '';
    const entries = [...legend.matchAll(/<b class="([^"]+)"><\/b>([^<]+)/g)].map(([, looks, text]) => [looks, text]);
    expect(entries.map(([, text]) => text)).toEqual(['attempt', 'failed', 'leader', ...kinds, 'the faults end']);
    expect(new Set(entries.map(([looks]) => looks)).size).toBe(entries.length);
  });

  it('draws a fault of a kind that it does not know', () => {
    const faults = [{ kind: 'gremlin', peers: ['ada'], fromMs: 0, untilMs: 10 }];
    expect(pageOf({ faults })).toContain('class="shade other"');
  });
});
