import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { requiresByName, requiresOf } from '../../../src/agents/classify/requires.ts';
import { heads, idioms, labelWords, words } from '../../../src/agents/classify/words.ts';
import { draftSchema } from '../../../src/protocol/record.ts';

const issuesSchema = z.array(
  z.strictObject({
    title: z.string(),
    labels: z.array(z.string()),
    wants: z.array(z.string()),
    body: z.string(),
  }),
);
type Issue = z.infer<typeof issuesSchema>[number];

const issuesIn = (file: string): readonly Issue[] =>
  issuesSchema.parse(parse(readFileSync(new URL(file, import.meta.url), 'utf8')));
const requiredBy = ({ title, body, labels }: Issue) => requiresOf({ title, text: body, labels });

describe('an issue', () => {
  const issues = issuesIn('issues.yaml');

  it.each(issues.map((issue) => [issue.title, issue] as const))('%s', (_, issue) => {
    const { specialties, explicit, reason } = requiredBy(issue);
    expect(specialties, reason).toEqual(issue.wants);
    expect(explicit).toBe(false);
    expect(reason).toMatch(/^(labels? |title and text|nothing says)/);
  });

  it('is told by its words where its labels are left out, as far as it can be', () => {
    const right = issues.filter((issue) => {
      const { specialties } = requiredBy({ ...issue, labels: [] });
      return specialties.join() === issue.wants.join();
    });
    expect(right.length / issues.length).toBeGreaterThan(0.9);
  });
});

it('an issue that nobody had in mind when the words were chosen is told in most cases', () => {
  const issues = issuesIn('held-out.yaml');
  const missed = issues.filter((issue) => requiredBy(issue).specialties.join() !== issue.wants.join());
  expect(issues.length).toBeGreaterThanOrEqual(20);
  expect(missed.length / issues.length, missed.map(({ title }) => title).join('\n')).toBeLessThanOrEqual(0.15);
});

describe('labels', () => {
  it.each([
    [['backend', 'bug'], ['backend'], 'label backend'],
    [['area: Frontend'], ['frontend'], 'label area: Frontend'],
    [['area/ci'], ['devops'], 'label area/ci'],
    [['ci/cd'], ['devops'], 'label ci/cd'],
    [['C-accessibility'], ['frontend'], 'label C-accessibility'],
    [['kind/flake'], ['testing'], 'label kind/flake'],
    [['🎨 css'], ['frontend'], 'label 🎨 css'],
    [['tests', 'api', 'database'], ['backend', 'testing'], 'labels tests, api, database'],
    [['specialty:mobile'], ['mobile'], 'label specialty:mobile'],
    [['specialty: Not A Name!'], [], 'nothing says what it takes'],
    [['constructor', '__proto__', 'good first issue', 'needs tests', 'tested', ''], [], 'nothing says what it takes'],
    [[], [], 'nothing says what it takes'],
  ])('%j', (labels, specialties, reason) => {
    expect(requiresOf({ title: '', text: '', labels })).toEqual({ specialties, explicit: false, reason });
  });

  it('count more than the text', () => {
    const css = { title: 'The CSS of the button', text: 'Its layout.' };
    expect(requiresOf({ ...css, labels: ['backend'] }).specialties).toEqual(['backend']);
    expect(requiresOf({ ...css, labels: ['bug'] }).specialties).toEqual(['frontend']);
  });
});

describe('words', () => {
  const of = (title: string, text = '') => requiresOf({ title, text, labels: [] });

  it('are given as the reason, the weightiest first', () => {
    expect(of('Buttons overlap', 'The layout breaks, the CSS is to blame.')).toEqual({
      specialties: ['frontend'],
      explicit: false,
      reason: 'title and text: button, css, layout',
    });
  });

  it('of two specialties alike are no wish, with the scores as the reason', () => {
    expect(of('The button and the database')).toEqual({
      specialties: [],
      explicit: false,
      reason: 'title and text are not clear: backend 9, frontend 9',
    });
  });

  it('count whole: a contest is no test, and Fastify no "as"', () => {
    expect(of('Contestants attest to the greatest protest').reason).toBe('nothing says what it takes');
  });

  it('that were pasted count less', () => {
    const log = '```\nweb: GET /api 500, postgres, redis, nginx, sql\n```';
    expect(of('Hover state of the icon', log).specialties).toEqual(['frontend']);
    expect(of('Hover state of the icon', log.replaceAll('```', '')).specialties).toEqual([]);
    expect(of('Hover state of the icon', log.replaceAll('```', '~~~')).specialties).toEqual(['frontend']);
    expect(of('Hover state of the icon', '> docker, postgres, redis, nginx, sql, jwt').specialties).toEqual([
      'frontend',
    ]);
  });

  it('of a template, a comment or a link do not count', () => {
    const empty = { specialties: [], explicit: false, reason: 'nothing says what it takes' };
    expect(of('Broken', "1. Click on '....'\n2. Scroll down to '....'\n - Browser [e.g. chrome, safari]")).toEqual(
      empty,
    );
    expect(of('Broken', '<!-- CSS, docker, sql -->see https://example.org/css/button/layout')).toEqual(empty);
  });

  it('stand in one list only', () => {
    const lists = [...Object.values(words).flatMap((byWeight) => Object.values(byWeight)), idioms];
    const all = lists.flatMap((list) => list.split(',').map((one) => one.trim().replaceAll(/\s+/g, ' ')));
    expect(all.filter((word, index) => all.indexOf(word) !== index)).toEqual([]);
    for (const word of [...all, ...Object.values(labelWords), heads]) expect(word).toMatch(/^[a-z0-9 ,\n]+$/);
  });

  it('of any text at all make a draft that the mesh takes', () => {
    const requires = draftSchema.shape.requires;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.array(fc.string()), (title, text, labels) => {
        const found = requiresOf({ title, text, labels });
        expect(requires.parse(found)).toEqual(found);
        expect(requiresOf({ title, text, labels })).toEqual(found);
      }),
    );
  });

  it.each([
    ['blanks', ' '],
    ['wide blanks', '\u00a0'],
    ['empty lines', '\n'],
    ['blank lines', '\n '],
    ['open comments', '<!--'],
    ['quotes', '> '],
    ['words', 'css docker '],
    ['backticks', '`'],
    ['stack frames', 'at '],
    ['digits', '00:'],
  ])('of 64 KiB of %s are found at once', (_, piece) => {
    const text = piece.repeat(65_536 / piece.length);
    const start = performance.now();
    for (let round = 0; round < 10; round += 1) of(text.slice(0, 500), text);
    // A pattern that backtracks would take minutes; this is no benchmark.
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

it('what a person asks for by name is a condition', () => {
  expect(requiresByName(['testing'])).toMatchObject({ specialties: ['testing'], explicit: true });
});
