import { InvalidArgumentError } from 'commander';
import { mutantCalled } from './mutants/catalogue.ts';
import type { Mutant } from './mutants/mutant.ts';

/** Parsers of option values. Each answers with the value, or with what is expected instead. */

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} expected`);
    }
    return value;
  };

const week = 7 * 24 * 60;

/** A length of virtual time, in milliseconds. */
export const lengthIn =
  (unit: 'minutes' | 'hours') =>
  (text: string): number => {
    const minutes = Number(text) * (unit === 'hours' ? 60 : 1);
    if (!/^\d+(?:\.\d+)?$/.test(text) || minutes <= 0 || minutes > week) {
      const most = unit === 'hours' ? week / 60 : week;
      throw new InvalidArgumentError(`a number of ${unit} above 0 and up to ${most} expected`);
    }
    return Math.round(minutes * 60_000);
  };

/** Sizes of a mesh, ascending. */
export function sizes(text: string): readonly number[] {
  const list = text.split(',').map(wholeNumber(1, 1_000));
  if (list.length < 2 || list.some((size, index) => size <= (list[index - 1] ?? 0))) {
    throw new InvalidArgumentError('two or more ascending numbers of peers expected, such as 50,100,200');
  }
  return list;
}

export function mutant(id: string): Mutant {
  const known = mutantCalled(id);
  if (known === undefined)
    throw new InvalidArgumentError(`the id of a mutant expected, see \`npm run simulate:mutants -- --help\``);
  return known;
}

/** Each once, in the order given. */
export const mutantList = (text: string): readonly Mutant[] => [
  ...new Set(text.split(',').map((id) => mutant(id.trim()))),
];
