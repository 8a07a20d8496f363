import { describe, expect, it } from 'vitest';
import { parseSpecialist } from '../../../src/agents/specialists/parse.ts';

const fileOf = (front: string, body = 'Do it well.'): string => `---\n${front}\n---\n${body}\n`;
const sound = 'name: reviewer\ndescription: Reads what others wrote';
const specialistOf = (file: string) => {
  const parsed = parseSpecialist(file);
  if ('message' in parsed) throw new Error(`${parsed.line}: ${parsed.message}`);
  return parsed.specialist;
};

describe("the file of a specialist, as Claude Code's subagents have it", () => {
  it('is front matter and a prompt', () => {
    expect(
      parseSpecialist(fileOf(`${sound}\ntools: Read, Grep\nmodel: opus`, '\n# Who\n\n---\n\nYou read.\n\n')),
    ).toEqual({
      specialist: {
        name: 'reviewer',
        description: 'Reads what others wrote',
        prompt: '# Who\n\n---\n\nYou read.',
        model: 'opus',
        tools: ['Read', 'Grep'],
      },
      nameLine: 2,
      doubts: [],
    });
  });

  it('is doubted where it says nothing', () => {
    const message = expect.stringMatching(/^there is no text below the front matter/);
    expect(parseSpecialist(fileOf(sound, ' \n'))).toMatchObject({ doubts: [{ line: 1, message }] });
  });

  it('needs no more than a name and a description', () => {
    expect(specialistOf(fileOf(sound, ''))).toMatchObject({ prompt: '', model: null, tools: null });
  });

  it.each([
    ['tools: Read, Bash(git add:*), mcp__x__y, Task(a, b), TodoWrite', []],
    ['tools: "*"', []],
    [
      'tools: Read, Grpe\nmodel: sonnet',
      [{ line: 4, message: 'tools: Grpe is no tool that is known, and gives nothing' }],
    ],
    ['model: fabel', [{ line: 4, message: expect.stringMatching(/^model: fabel is no model that is known/) }]],
    ['model: eu.anthropic.claude-opus-9-v1:0', []],
    ['model: inherit', []],
    [
      'color: red\nmodel: gpt-9',
      [{ line: 5, message: expect.stringMatching(/^model: gpt-9 is no model that is known/) }],
    ],
  ])('is doubted where it names what nobody knows: %j', (more, doubts) => {
    expect(parseSpecialist(fileOf(`${sound}\n${more}`))).toMatchObject({ doubts });
  });

  it.each(['opus[1m]', 'sonnet[1m]', 'haiku', 'fable', 'fable[1m]', 'best', 'opusplan', 'default'])(
    'may name a model by %s',
    (alias) => {
      expect(parseSpecialist(fileOf(`${sound}\nmodel: ${alias}`))).toMatchObject({
        specialist: { model: alias },
        doubts: [],
      });
    },
  );

  it('may have what only Claude Code knows', () => {
    const more =
      'color: blue\npermissionMode: bypassPermissions\nhooks:\n  Stop:\n    - command: rm -rf /\nskills: [a, b]';
    expect(Object.keys(specialistOf(fileOf(`${sound}\n${more}`)))).toEqual([
      ...['name', 'description', 'prompt', 'model', 'tools'],
    ]);
  });

  it.each([
    ['Read, Grep,Bash ,', ['Read', 'Grep', 'Bash']],
    ['[Read, Grep, Read]', ['Read', 'Grep']],
    ['\n  - Read\n  - mcp__github__get-issue', ['Read', 'mcp__github__get-issue']],
    ['Bash(git add:*, git diff:*), Read', ['Bash(git add:*, git diff:*)', 'Read']],
    ['Agent(worker, researcher)', ['Agent(worker, researcher)']],
    ['[]', []],
    ['', null],
    ['"*"', null],
  ])('with tools: %s', (tools, expected) => {
    expect(specialistOf(fileOf(`${sound}\ntools: ${tools}`)).tools).toEqual(expected);
  });

  it.each([
    ['sonnet', 'sonnet'],
    ['claude-haiku-5-5', 'claude-haiku-5-5'],
    ['us.anthropic.claude-opus-5-5-v1:0', 'us.anthropic.claude-opus-5-5-v1:0'],
    ['inherit', null],
    ['', null],
  ])('with model: %s', (model, expected) => {
    expect(specialistOf(fileOf(`${sound}\nmodel: ${model}`)).model).toBe(expected);
  });

  it('may have a description that YAML would not take', () => {
    const description = `Use this for reviews. Examples: <example>user: "it's done"</example> # not a comment`;
    const parsed = parseSpecialist(fileOf(`name: reviewer\ndescription: ${description}\nmodel: opus`));
    expect(parsed).toMatchObject({ specialist: { description, model: 'opus' } });
  });

  it('may have a description of several lines', () => {
    const front = 'name: reviewer\ndescription: |\n  Use this: always.\n  Twice.\nmodel: opus';
    expect(specialistOf(fileOf(front))).toMatchObject({ description: 'Use this: always.\nTwice.', model: 'opus' });
  });

  it("may come from Windows, or begin with a mark that says it is UTF-8's", () => {
    const text = new TextDecoder().decode(new TextEncoder().encode(`\uFEFF${fileOf(sound).replaceAll('\n', '\r\n')}`));
    expect(specialistOf(text)).toMatchObject({ name: 'reviewer', prompt: 'Do it well.' });
  });
});

describe('a malformed file is one error that names the line', () => {
  it.each([
    ['', 1, /first line must be ---/],
    ['# A heading\n', 1, /first line must be ---/],
    [`\n${fileOf(sound)}`, 1, /first line must be ---/],
    ['---\nname: a\ndescription: b\n', 1, /not closed/],
    ['---\n---\n', 2, /fields such as `name: backend` expected/],
    [fileOf('just text'), 2, /fields such as/],
    [fileOf('- a\n- b'), 2, /fields such as/],
    [fileOf('name: a\ndescription: "b'), 3, /no valid YAML: missing closing "quote/],
    [fileOf('name: a\ndescription: b\ntools: [Read'), 4, /no valid YAML/],
    [fileOf('name: a\nname: b\ndescription: c'), 3, /no valid YAML: map keys must be unique/],
    [fileOf('name: a\ndescription: b\n\tmodel: c'), 4, /no valid YAML/],
    [fileOf('name: a\ndescription: b: c\n  and: on'), 3, /no valid YAML/],
    [fileOf('description: b'), 1, /^name is missing$/],
    [fileOf('name: a'), 1, /^description is missing$/],
    [fileOf('name:\ndescription: b'), 2, /^name is missing$/],
    [fileOf('# Who\nname: 7\ndescription: b'), 3, /^name: small letters, digits and dashes/],
    [fileOf('name: Code Reviewer\ndescription: b'), 2, /^name: small letters/],
    [fileOf(`name: ${'a'.repeat(41)}\ndescription: b`), 2, /^name: small letters.* at most 40/],
    [fileOf('name: a\ndescription: [b]'), 3, /^description: text expected$/],
    [fileOf('name: a\ndescription: " "'), 3, /^description: text expected$/],
    [fileOf(`name: a\ndescription: ${'b'.repeat(10_001)}`), 3, /^description: at most 10000/],
    [fileOf('name: a\ndescription: b\nmodel: 5'), 4, /^model: sonnet, opus/],
    [fileOf('name: a\ndescription: b\nmodel: --dangerously-skip-permissions'), 4, /^model: sonnet, opus/],
    [fileOf('name: a\ndescription: b\ntools: 5'), 4, /^tools: tools' names/],
    [fileOf('name: a\ndescription: b\ntools:\n  Read: true'), 4, /^tools: tools' names/],
    [fileOf('name: a\ndescription: b\ntools: [Read, 7]'), 4, /^tools: tools' names/],
    [fileOf('name: a\ndescription: b\ntools: Read, --add-dir'), 4, /^tools: tools' names/],
    [fileOf(`name: a\ndescription: b\nx: ${'y'.repeat(16 * 1024)}`), 1, /front matter is longer than 16384/],
    [fileOf(sound, 'a\0b'), 1, /no text/],
  ])('%j', (file, line, message) => {
    const parsed = parseSpecialist(file);
    expect(parsed).toEqual({ line, message: expect.stringMatching(message) });
    expect('message' in parsed && parsed.message).toMatch(/^[^\n]{1,250}$/);
  });

  it.each([
    ['nested without end', '['.repeat(16_000), 2],
    ['aliases of aliases', aliasBomb(), 2],
  ])('%s', (_, front, line) => {
    expect(parseSpecialist(fileOf(`${sound}\n${front}`))).toMatchObject({ message: expect.any(String) });
    expect(parseSpecialist(fileOf(front))).toMatchObject({ line, message: expect.stringMatching(/^no valid YAML/) });
  });

  it('has no way to what all objects have', () => {
    expect(parseSpecialist(fileOf('__proto__: {name: a, description: b}'))).toEqual({
      line: 1,
      message: 'name is missing',
    });
  });
});

/** Ten lines that stand for a billion values. */
function aliasBomb(): string {
  const line = (index: number): string =>
    `a${index}: &a${index} [${Array(9)
      .fill(`*a${index - 1}`)
      .join(', ')}]`;
  return ['a0: &a0 [x]', ...Array.from({ length: 9 }, (_, index) => line(index + 1))].join('\n');
}
