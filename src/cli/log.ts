import pino from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../peer/driver.ts';
import { usageError } from './errors.ts';
import { logLine } from './log-line.ts';

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
    messageFormat: ({ event, facts }) => logLine(String(event), Object(facts)),
  });
