import type { CommanderError } from 'commander';
import { clipped, printable } from './output.ts';

/** A mistake in the command line in one line, by what commander says of it. Pure. */
export function slipLine({ code, message }: CommanderError, command: string): string {
  const help = `see \`${`peer ${command}`.trim()} --help\``;
  const text = message.replace(/^error: /, '');
  const parts = slips[code]?.exec(text)?.groups ?? null;
  if (parts === null) return `${text.trim().replace(/\.$/, '')}: ${help}`;
  const { flags = '', name = '', value = '', expected = '' } = parts;
  // `-c, --capacity <n>` → `--capacity`
  const said = flags === '' ? nameOf(name) : (/--[\w-]+/.exec(flags)?.[0] ?? flags);
  switch (code) {
    case 'commander.invalidArgument':
      // The parsers of values.ts have said what is expected.
      return `${said} '${clipped(printable(value), 60)}' is no good: ${expected}`;
    case 'commander.optionMissingArgument':
      return `${said} needs a value, ${/<.+>/.exec(flags)?.[0] ?? ''}: ${help}`;
    case 'commander.missingArgument':
      return `${said} is missing: ${help}`;
    default:
      return `too many arguments (${clipped(printable(value), 60)}), this takes ${expected === '0' ? 'none' : expected}: ${help}`;
  }
}

const slips: Readonly<Record<string, RegExp>> = {
  'commander.invalidArgument':
    /^(?:option '(?<flags>.+?)' argument|command-argument value) '(?<value>.*?)' is invalid(?: for argument '(?<name>\w+)')?\. (?<expected>.+)$/s,
  'commander.optionMissingArgument': /^option '(?<flags>.+)' argument missing$/,
  'commander.missingArgument': /^missing required argument '(?<name>\w+)'$/,
  'commander.excessArguments': /Expected (?<expected>\d+) arguments? but got \d+: (?<value>.+)\.$/s,
};

/** Arguments as people call them. */
const names: Readonly<Record<string, string>> = { id: 'the task id', code: 'the join code' };
const nameOf = (argument: string): string => names[argument] ?? argument;
