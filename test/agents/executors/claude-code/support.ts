import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Transcript } from '../../../../src/agents/executors/claude-code/transcript.ts';
import type { ExecutorEvent } from '../../../../src/agents/executors/executor.ts';
import type { StandInCall, StandInPlan } from '../../../support/stand-in-claude.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** The lines of a transcript of the real CLI, in the order they were written. */
export const recorded = (name: string): readonly string[] =>
  readFileSync(path(`fixtures/claude-code/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');

export interface Heard {
  readonly transcript: Transcript;
  readonly events: readonly ExecutorEvent[];
}

export function hear(lines: readonly string[]): Heard {
  const transcript = new Transcript('/clone');
  return { transcript, events: lines.flatMap((line) => transcript.take(line, 'stdout')) };
}

export const ofType = <T extends ExecutorEvent['type']>(events: readonly ExecutorEvent[], type: T) =>
  events.filter((event): event is Extract<ExecutorEvent, { type: T }> => event.type === type);

/** A program `claude` in that folder which does as planned. */
export function standIn(folder: string, changes: Partial<StandInPlan> = {}): string {
  mkdirSync(folder, { recursive: true });
  const plan: StandInPlan = {
    folder,
    plays: 'finished',
    lines: 100,
    exitCode: 0,
    ends: 'exit',
    asks: false,
    renewed: null,
    ...changes,
  };
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan));
  const file = join(folder, 'claude');
  const program = [process.execPath, path('support/stand-in-claude.ts'), join(folder, 'plan.json')];
  writeFileSync(file, `#!/bin/sh\nexec ${program.map((one) => `'${one}'`).join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/** How the stand-in in that folder was called, in order. */
export const callsOf = (folder: string): readonly StandInCall[] =>
  readdirSync(join(folder, 'calls'))
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => JSON.parse(readFileSync(join(folder, 'calls', name), 'utf8')) as StandInCall);
