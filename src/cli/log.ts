import pino from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../peer/driver.ts';
import { usageError } from './errors.ts';
import { printable } from './output.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type Level = (typeof levels)[number];

export const LogFormats = ['text', 'json'] as const;
export type LogFormat = (typeof LogFormats)[number];

/** @throws CliError for a LOG_LEVEL that is none. */
export function logLevel(text: string | undefined): Level {
  const level = levels.find((one) => one === (text || 'info').toLowerCase());
  if (level === undefined) throw usageError(`LOG_LEVEL is ${text}: set it to ${levels.join(', ')}, or unset it`);
  return level;
}

/** One line for each event on stderr: JSON for programs, or the time, the event and its facts for people. */
export function createLog(format: LogFormat, level: Level): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, format === 'json' ? pino.destination({ fd: 2, sync: true }) : readable());
  return (lineLevel, event, facts) => logger[lineLevel]({ ...facts, event });
}

const readable = (): pino.DestinationStream =>
  pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    hideObject: true,
    messageFormat: describe,
  });

function describe(line: Readonly<Record<string, unknown>>): string {
  const { event, level: _level, time: _time, type: _type, ...facts } = line;
  const parts = Object.entries(facts).map(([name, value]) => `${name}=${textOf(value)}`);
  return [printable(String(event)), ...parts].join(' ');
}

const textOf = (value: unknown): string =>
  printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
