import { InvalidArgumentError } from 'commander';
import { isDialable } from '../peer/network/address.ts';
import { nameSchema } from '../protocol/hello.ts';
import { Limits } from '../protocol/limits.ts';
import { specialtySchema } from '../protocol/record.ts';
import { clipped, printable } from './output.ts';

/** Parsers of single option values. Each answers with the value, or with what is expected instead. */

export function specialties(text: string): readonly string[] {
  const list = [...new Set(text.split(',').map((one) => one.trim()))].filter((one) => one !== '');
  const bad = list.find((one) => !specialtySchema.safeParse(one).success);
  if (list.length === 0 || bad !== undefined) {
    const which =
      bad === undefined || bad === text ? '' : `'${clipped(printable(bad), 60)}' among them is no specialty: `;
    throw new InvalidArgumentError(
      `${which}names of up to 40 small letters, digits and dashes expected, separated by commas, such as backend,testing`,
    );
  }
  if (list.length > Limits.specialties) {
    throw new InvalidArgumentError(`these are ${list.length}, and ${Limits.specialties} names at most expected`);
  }
  return list;
}

export function capacity(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1_000) throw new InvalidArgumentError('a whole number from 0 to 1000 expected');
  return value;
}

export function displayName(text: string): string {
  if (text === '' || text.length > 100) throw new InvalidArgumentError(lengthTrouble(text, 100));
  if (!nameSchema.safeParse(text).success) throw new InvalidArgumentError('a name without control characters expected');
  return text;
}

/** For options that may be given several times. */
export function address(text: string, before: readonly string[] = []): readonly string[] {
  if (!isDialable(text)) {
    throw new InvalidArgumentError('a multiaddr with a TCP port expected, such as /ip4/192.168.1.10/tcp/4001');
  }
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
  if (!/^\d*\.?\d+$/.test(text) || value <= 0 || value > Limits.sumUsd) {
    throw new InvalidArgumentError('an amount in US dollars above 0 expected, such as 2.50');
  }
  return value;
}

/** An id, or the first digits of one. */
export function taskPrefix(text: string): string {
  if (!/^[0-9a-f]{1,64}$/i.test(text))
    throw new InvalidArgumentError('the first digits of an id expected, 0 to 9 and a to f: `peer tasks` lists them');
  return text.toLowerCase();
}

export function attemptNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('the number of an attempt expected, from 1');
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

const lengthTrouble = (text: string, most: number): string =>
  `${text.length > most ? `it has ${text.length} characters, and ` : ''}1 to ${most} characters expected`;

/** Text that a shell or git is to take: not empty, and no longer than `most` characters. */
export const textUpTo =
  (most: number) =>
  (text: string): string => {
    if (text.trim() === '' || text.length > most) throw new InvalidArgumentError(lengthTrouble(text, most));
    return text;
  };
