import type { Issue } from './json-file.ts';
import { nearest } from './nearest.ts';

/** In characters: enough of a value to find it again. */
const longestValue = 60;

/**
 * What is wrong in config.json, as the flags of `peer start` would say it. `expected` says it of each setting, and of
 * what stands in a list or an object of one by `name.*`.
 */
export function configTrouble(issue: Issue, raw: unknown, expected: Readonly<Record<string, string>>): string {
  const names = Object.keys(expected).filter((name) => !name.endsWith('.*'));
  if (issue.code === 'unrecognized_keys') return unknownSetting(issue.keys[0] ?? '', names);
  const [name, key] = issue.path.map(String);
  if (name === undefined) return 'an object of settings such as {"capacity": 2} expected';
  const what = (key === undefined ? undefined : expected[`${name}.*`]) ?? expected[name] ?? issue.message;
  return `${placeText(issue.path)}: ${valueText(issue.path, raw)} is no good: ${what} expected`;
}

function unknownSetting(key: string, names: readonly string[]): string {
  const meant = nearest(key, names);
  const mend = meant === null ? `there are ${names.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
  return `${clippedJson(key)} is no setting: ${mend}`;
}

/** As it stands in the file; what stands in a list is found by its value. */
const placeText = (path: Issue['path']): string =>
  path
    .filter((key) => typeof key === 'string')
    .map(clippedJson)
    .join(', ');

function valueText(path: Issue['path'], raw: unknown): string {
  let value = raw;
  for (const key of path) value = Object(value)[key];
  return clippedJson(value);
}

/** On one line whatever it holds: JSON writes line ends as escapes. */
function clippedJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}
