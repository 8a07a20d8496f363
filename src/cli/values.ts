import { InvalidArgumentError } from 'commander';
import { nameSchema } from '../protocol/hello.ts';
import { Limits } from '../protocol/limits.ts';
import { specialtySchema } from '../protocol/record.ts';

/** Parsers of single option values. Each answers with the value, or with what is expected instead. */

export function specialties(text: string): readonly string[] {
  const list = [...new Set(text.split(',').map((one) => one.trim()))].filter((one) => one !== '');
  const bad = list.find((one) => !specialtySchema.safeParse(one).success);
  if (list.length === 0 || list.length > Limits.specialties || bad !== undefined) {
    throw new InvalidArgumentError(
      'names of small letters, digits and dashes expected, separated by commas: backend,testing',
    );
  }
  return list;
}

export function capacity(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1_000) throw new InvalidArgumentError('a whole number from 0 to 1000 expected');
  return value;
}

export function displayName(text: string): string {
  if (!nameSchema.safeParse(text).success) throw new InvalidArgumentError('1 to 100 characters expected');
  return text;
}

/** For options that may be given several times. */
export function address(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^\/\S+$/.test(text)) throw new InvalidArgumentError('a multiaddr expected, such as /ip4/192.168.1.10/tcp/4001');
  return [...before, text];
}

const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `90s`, `30m`, `2h` in milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text);
  const ms = match === null ? 0 : Math.round(Number(match[1]) * units[match[2] as keyof typeof units]);
  if (ms < 1_000 || ms > 7 * 24 * units.h)
    throw new InvalidArgumentError('a duration from 1s to 7 days expected, such as 90s, 30m or 2h');
  return ms;
}

export function money(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('an amount in US dollars expected, such as 2.50');
  }
  return value;
}

/** An id, or the first digits of one. */
export function taskPrefix(text: string): string {
  if (!/^[0-9a-f]{1,64}$/.test(text))
    throw new InvalidArgumentError('a task id or the first digits of one expected: see `peer tasks`');
  return text;
}

export function attemptNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('the number of an attempt expected, from 1');
  return Number(text);
}

/** One of a few words. */
export const choice =
  <const Word extends string>(words: readonly Word[]) =>
  (text: string): Word => {
    const word = words.find((one) => one === text);
    if (word === undefined) throw new InvalidArgumentError(`one of ${words.join(', ')} expected`);
    return word;
  };

/** A folder of the repository, never one outside of it. */
export function folderWithin(text: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (text.startsWith('/') || parts.includes('..') || parts.length === 0 || text.length > 500) {
    throw new InvalidArgumentError('a folder within the repository expected, such as packages/web');
  }
  return parts.join('/');
}

/** Text that a shell or git is to take: not empty, and no longer than `most` characters. */
export const textUpTo =
  (most: number) =>
  (text: string): string => {
    if (text.trim() === '' || text.length > most) throw new InvalidArgumentError(`1 to ${most} characters expected`);
    return text;
  };
