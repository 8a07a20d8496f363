import { describe, expect, test } from 'vitest';
import { fetchIssue, issueText } from '../../../src/agents/forge/issues.ts';
import { Limits } from '../../../src/protocol/limits.ts';
import { branch, name, Setup } from './github-setup.ts';

const issue = {
  number: 7,
  title: 'The door does not close',
  body: 'It squeaks, too.\r\nPlease mend it.',
  labels: ['backend', 'bug'],
  author: 'ada',
  comments: [{ author: 'bob', body: 'Only in winter.' }, 'Oil helps.'],
};

describe('an issue', () => {
  test('is read with its comments, labels and author', async () => {
    await using setup = await Setup.start({ issues: [issue] });
    const snapshot = await fetchIssue(setup.env(), name, 7);
    expect(snapshot).toEqual({
      repository: name,
      key: 'github:acme/widgets#7',
      number: 7,
      title: 'The door does not close',
      text: [
        'It squeaks, too.\nPlease mend it.',
        '--- Comment by bob, 2026-01-01 ---\nOnly in winter.',
        '--- Comment by octocat, 2026-01-01 ---\nOil helps.',
      ].join('\n\n'),
      truncated: false,
      labels: ['backend', 'bug'],
      url: `${setup.github.serverUrl}/Acme/Widgets/issues/7`,
      author: 'ada',
      state: 'open',
    });
  });

  test('of a public repository needs no token, and one without a body has none', async () => {
    await using setup = await Setup.start({ issues: [{ number: 7, title: 'Only a title' }] });
    expect(await fetchIssue(setup.env(null), name, 7)).toMatchObject({
      title: 'Only a title',
      text: '',
      author: 'octocat',
    });
  });

  test('has one key and the present name, by whatever case it was asked for', async () => {
    await using setup = await Setup.start({ issues: [issue] });
    const snapshot = await fetchIssue(setup.env(), { owner: 'ACME', name: 'widgets' }, 7);
    expect(snapshot).toMatchObject({ repository: name, key: 'github:acme/widgets#7' });
  });

  test('that is closed says so', async () => {
    await using setup = await Setup.start({ issues: [{ ...issue, state: 'closed' }] });
    expect(await fetchIssue(setup.env(), name, 7)).toMatchObject({ state: 'closed' });
  });

  test('that is a pull request is none', async () => {
    await using setup = await Setup.start({ issues: [issue] });
    await setup.pushed(setup.publisher.commit());
    const number = setup.github.openPull({ title: 'Mend it', head: branch, base: 'main' });
    const message = 'Acme/Widgets#8 is a pull request: give the number of an issue';
    await expect(fetchIssue(setup.env(), name, number)).rejects.toMatchObject({ code: 'invalid', message });
  });

  test('that is not there', async () => {
    await using setup = await Setup.start({ issues: [issue] });
    const message = 'GitHub shows no Acme/Widgets#9 (404): check its name, and that the token may read it';
    await expect(fetchIssue(setup.env(), name, 9)).rejects.toMatchObject({ code: 'not-found', message });
  });

  test('with hundreds of comments is read from its newest', async () => {
    const comments = Array.from({ length: 250 }, (_, i) => `Comment ${i + 1}.`);
    await using setup = await Setup.start({ issues: [{ ...issue, comments }] });
    const { text, truncated } = await fetchIssue(setup.env(), name, 7);
    expect(truncated).toBe(true);
    expect(text).toContain('[100 earlier comments were left out.]');
    expect([text.includes('Comment 100.'), text.includes('Comment 101.'), text.endsWith('Comment 250.')]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('the text of an issue', () => {
  const comment = (body: string) => ({ body, user: { login: 'bob' }, created_at: '2026-01-01T00:00:00Z' });
  const textOf = (body: string, comments: readonly string[], maxBytes?: number) =>
    issueText({ body, comments: comments.length }, comments.map(comment), maxBytes);

  test.each([
    ['a body of many bytes', 'ü'.repeat(70_000), []],
    ['a body with comments', 'x'.repeat(60_000), ['y'.repeat(30_000), 'z'.repeat(9_000)]],
    ['many comments', 'x', Array.from({ length: 100 }, () => 'y'.repeat(2_000))],
    ['one enormous comment', 'x', ['𝄞'.repeat(30_000)]],
  ])('fits into its limit: %s', (_, body, comments) => {
    const { text, truncated } = textOf(body, comments);
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(Limits.prompt);
    expect([text.includes('left out.]'), text.includes('\uFFFD')]).toEqual([true, false]);
  });

  test('gives up the oldest comments first, and never the body for them', () => {
    const { text } = textOf('The body.', ['a'.repeat(400), 'b'.repeat(400), 'c'.repeat(400)], 1_200);
    expect(text).toContain('The body.');
    expect(text).toContain('[1 earlier comment was left out.]');
    expect([text.includes('aaa'), text.includes('bbb'), text.includes('ccc')]).toEqual([false, true, true]);
  });

  test('leaves room for comments beside a long body', () => {
    const { text } = textOf('x'.repeat(70_000), ['The last word.']);
    expect(text.slice(-200)).toContain('[The rest of the body was left out.]');
    expect(text.slice(-200)).toContain('The last word.');
  });

  test('of a person who is gone', () => {
    const { text } = issueText({ body: null, comments: 1 }, [{ body: 'x', user: null, created_at: '2026-01-01' }]);
    expect(text).toBe('--- Comment by ghost, 2026-01-01 ---\nx');
  });
});
