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
  const isJson = format === 'json';
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, isJson ? pino.destination({ fd: 2, sync: true }) : readable());
  return (lineLevel, event, { type: _sameAsEvent, ...facts }) =>
    logger[lineLevel](isJson ? { ...facts, event } : { event, facts });
}

const readable = (): pino.DestinationStream =>
  pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    hideObject: true,
    messageFormat: ({ event, facts }) => describe(String(event), facts),
  });

/** `story task=3f9a… event=assigned detail="attempt 1 to alpha"` */
export const describe = (event: string, facts: unknown): string =>
  printable([event, ...factsOf(facts).map(([name, value]) => `${name}=${textOf(value)}`)].join(' '));

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function factsOf(facts: unknown): readonly (readonly [string, unknown])[] {
  const flat = Object.entries(Object(facts)).filter(([name]) => name !== 'at' && name !== 'by');
  return flat.flatMap(([name, value]) => (isNested(value) ? factsOf(value) : [[name, value] as const]));
}

const textOf = (value: unknown): string =>
  typeof value === 'string' && /^\S+$/.test(value) ? value : (JSON.stringify(value) ?? String(value));
