import { readFileSync } from 'node:fs';
import type { RunResult } from '../../../test/sim/result.ts';
import { clock, count, duration, plural } from '../format.ts';
import type { Summary } from '../summary.ts';
import { violationText } from '../violations.ts';
import { type Lane, peerLanes, type Span, taskLanes } from './scene.ts';

/** A run as one HTML file that needs nothing else. The script only zooms and points; without it the picture still stands. */
export function timelinePage(summary: Summary, result: RunResult): string {
  const endMs = Math.max(1, result.virtualMs);
  const title = `seed ${summary.seed}, ${summary.profile}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(`issue-mesh, ${title}`)}</title>
<style>
${asset('page.css')}${asset('lanes.css')}</style>
</head>
<body>
<input type="radio" name="view" id="by-peer" checked>
<input type="radio" name="view" id="by-task">
<header>
<h1>${escaped(title)}</h1>
<p class="facts">${facts(summary)
    .map((fact) => `<span>${escaped(fact)}</span>`)
    .join('<i>·</i> ')}</p>
<nav>
<span class="switch"><label for="by-peer">Peers</label><label for="by-task">Tasks</label></span>
<span class="zoom"><button type="button" data-zoom="0.5" title="Zoom out (-)">−</button><button type="button" data-zoom="0" title="The whole run (0)">all</button><button type="button" data-zoom="2" title="Zoom in (+)">+</button></span>
<span class="hint">wheel to zoom, drag to move, point to follow a task</span>
</nav>
${legend(result, hasHealed(summary))}
${verdict(summary)}
</header>
<main tabindex="0">
<div class="canvas" data-end="${Math.ceil(endMs)}">
<div class="axis"><div class="corner"></div><div class="ticks"></div></div>
<div class="overlay"><div class="ticks"></div>${markers(summary, endMs)}</div>
<section class="peers">
${peerLanes(result)
  .map((lane) => laneHtml(lane, endMs))
  .join('\n')}
</section>
<section class="tasks">
${taskLanes(result)
  .map((lane) => laneHtml(lane, endMs))
  .join('\n')}
</section>
</div>
</main>
<div id="tip" hidden></div>
<script type="module">
${asset('viewer.js')}</script>
</body>
</html>
`;
}

const asset = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

function facts({ peers, tasks, reassignments, failoverMs, submitToStartMs, virtualMs }: Summary): readonly string[] {
  const ends = Object.entries({ failed: tasks.failed, cancelled: tasks.cancelled, open: tasks.open });
  return [
    plural(peers, 'peer'),
    [
      `${count(tasks.done)} of ${plural(tasks.total, 'task')} done`,
      ...ends.filter(([, held]) => held > 0).map(([end, held]) => `${count(held)} ${end}`),
    ].join(', '),
    plural(reassignments, 'reassignment'),
    ...(submitToStartMs === null ? [] : [`submit → start p50 ${duration(submitToStartMs.p50)}`]),
    ...(failoverMs === null ? [] : [`failover p50 ${duration(failoverMs.p50)}`]),
    `${duration(virtualMs)} of virtual time`,
  ];
}

function legend(result: RunResult, hasHealed: boolean): string {
  const hows = new Set(
    result.tasks.flatMap(({ attempts }) => attempts.map(({ how }) => attemptClass(how ?? 'running'))),
  );
  const kinds = new Set(result.faults.map(({ kind }) => kind));
  const entries: readonly (readonly [looks: string, text: string])[] = [
    ['bar', 'attempt'],
    ...attemptLegend.filter(([looks]) => hows.has(looks)).map(([looks, text]) => [`bar${looks}`, text] as const),
    ['lead', 'leader'],
    ...[...kinds].toSorted().map((kind) => [`shade ${faultClass(kind)}`, kind] as const),
    ...(hasHealed ? [['mark', 'the faults end'] as const] : []),
  ];
  return `<p class="legend">${entries.map(([looks, text]) => `<span><b class="${looks}"></b>${escaped(text)}</span>`).join('')}</p>`;
}

const verdict = ({ violations, replay }: Summary): string =>
  violations.length === 0
    ? ''
    : `<details class="verdict" open><summary>${escaped(plural(violations.length, 'violation'))}</summary><pre>${escaped([...violations.map(violationText), '', replay].join('\n'))}</pre></details>`;

const hasHealed = ({ profile, durationMs, virtualMs }: Summary): boolean =>
  profile !== 'calm' && durationMs <= virtualMs;

function markers(summary: Summary, endMs: number): string {
  const { violations, durationMs } = summary;
  const mark = (kind: string, atMs: number, text: string): string =>
    `<div class="mark ${kind}" style="left:${share(atMs, endMs)}" title="${escaped(text)}"></div>`;
  const healed = hasHealed(summary) ? [mark('healed', durationMs, `${clock(durationMs)}: the faults end`)] : [];
  return [...healed, ...violations.map((one) => mark('violation', one.atMs, violationText(one)))].join('');
}

function laneHtml({ name, note, state, attempts, leaders, shades }: Lane, endMs: number): string {
  const rows = (spans: readonly Span[]): number => Math.max(0, ...spans.map(({ row }) => row + 1));
  const spans = [
    ...shades.map((span) => spanHtml(span, span.kind === 'life' ? 'life' : `shade ${faultClass(span.kind)}`, endMs)),
    ...attempts.map((span) => spanHtml(span, `bar${attemptClass(span.kind)}`, endMs)),
    ...leaders.map((span) => spanHtml(span, 'lead', endMs)),
  ];
  const dot = state === null ? '' : `<b class="dot ${stateClass(state)}" title="${escaped(state)}"></b>`;
  return `<div class="lane" style="--rows:${Math.max(1, rows(attempts))};--leads:${rows(leaders)}"><div class="name" title="${escaped(name)}">${dot}<span>${escaped(name)}</span><small>${escaped(note)}</small></div><div class="track">${spans.join('')}</div></div>`;
}

function spanHtml({ fromMs, untilMs, row, hue, label, title, task }: Span, kind: string, endMs: number): string {
  const place = `left:${share(fromMs, endMs)};width:${share(untilMs - fromMs, endMs)}`;
  const looks = `${row === 0 ? '' : `;--row:${row}`}${hue === 0 ? '' : `;--hue:${hue}`}`;
  return `<div class="${kind}" style="${place}${looks}"${task === null ? '' : ` data-task="${task}"`} title="${escaped(title)}">${escaped(label)}</div>`;
}

/** Of the width of a track. Fine enough to hold when a run of hours is zoomed to seconds. */
const share = (ms: number, endMs: number): string => `${Number(((ms * 100) / endMs).toFixed(5))}%`;

/** Names in the style sheet; a fault that it does not know is drawn as some fault. */
const faultKinds: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['one-way', /one-way/],
  ['cut', /cut|partition/],
  ['slow', /slow/],
  ['crash', /crash|kill|down|off/],
  ['pause', /pause|stop/],
  ['sleep', /sleep/],
  ['goodbye', /goodbye/],
];
const faultClass = (kind: string): string => faultKinds.find(([, pattern]) => pattern.test(kind))?.[0] ?? 'other';

const attemptLegend = [
  [' lost', 'attempt that came to nothing'],
  [' failed', 'failed'],
  [' running', 'running'],
] as const;
const attemptClass = (how: string): (typeof attemptLegend)[number][0] | '' =>
  how === 'done' ? '' : how === 'failed' ? ' failed' : how === 'running' ? ' running' : ' lost';

const stateClass = (state: string): string => (['done', 'failed', 'cancelled'].includes(state) ? state : 'open');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (one) => entities[one] ?? one);
