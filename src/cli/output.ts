import { stripVTControlCharacters, styleText } from 'node:util';

/** Columns as wide as their widest cell, two spaces apart; the last one may run on. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const [first = '', ...rest] = all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [faint(first), ...rest].join('\n');
}

/** Plain where nobody looks at it: styleText knows whether stdout is a terminal, and minds NO_COLOR. */
export const faint = (text: string): string => styleText('dim', text, { stream: process.stdout });

/** Text from elsewhere (an issue's title, an agent's output) must not steer the terminal. One line; tabs stay. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => (one === '\t' ? one : ' '));

export const clipped = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** A mesh's or a peer's, which somebody else may have chosen: a line has more to say than that. */
export const nameText = (name: string): string => clipped(printable(name), 40);

/** `14:00`, or `Nov 05 14:00` where that is another day; by this PC's clock and zone. */
export function localTime(iso: string, nowMs: number = Date.now()): string {
  const at = new Date(iso);
  const time = at.toTimeString().slice(0, 5);
  const [day, today] = [at.toDateString(), new Date(nowMs).toDateString()];
  return day === today ? time : `${day.slice(4, 10)} ${time}`;
}

/** What peers tell each other has its times in UTC. */
export const withLocalTimes = (text: string): string =>
  text.replaceAll(/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z\b/g, (iso) => localTime(iso));

/** `4 s`, `12 min`, `3 h`, `2 d` */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
