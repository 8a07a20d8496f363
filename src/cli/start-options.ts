import { defaultVerify, type VerifySettings } from '../agents/verify/choose.ts';
import type { Config, Executors, SandboxModes } from '../peer/home/config.ts';
import { defaultName } from '../peer/home/host.ts';
import { usageError } from './errors.ts';
import type { LogFormat } from './log.ts';
import { duration } from './values.ts';

/** What the flags of `peer start` say. */
export interface StartFlags {
  readonly name?: string;
  readonly specialties?: readonly string[];
  readonly capacity?: number;
  readonly executor?: (typeof Executors)[number];
  readonly command?: string;
  readonly dailyBudgetUsd?: number;
  readonly checkpointEvery?: number;
  readonly sandbox?: (typeof SandboxModes)[number];
  readonly listen?: readonly string[];
  readonly peer?: readonly string[];
  /** False by --no-mdns; true is also what nobody said. */
  readonly mdns: boolean;
  readonly logFormat: LogFormat;
}

export interface StartOptions {
  readonly name: string;
  readonly specialties: readonly string[];
  readonly capacity: number;
  readonly executor: (typeof Executors)[number];
  readonly command: string | null;
  readonly budgets: { readonly dailyUsd: number | null; readonly meshDailyUsd: number | null };
  readonly checkpointEveryMs: number;
  readonly verify: VerifySettings;
  readonly sandbox: (typeof SandboxModes)[number];
  readonly allowHosts: readonly string[];
  /** Null: every interface, a free port. */
  readonly listen: readonly string[] | null;
  readonly peers: readonly string[];
  readonly mdns: boolean;
  readonly logFormat: LogFormat;
}

const defaultCheckpointMs = 60_000;

/** Flags count more than config.json, which counts more than the defaults. */
export function startOptions(flags: StartFlags, config: Config): StartOptions {
  const executor = flags.executor ?? config.executor ?? 'auto';
  const command = flags.command ?? config.command ?? null;
  if (executor === 'command' && command === null) {
    throw usageError('--executor command needs --command CMD, the command line that runs your agent: give it');
  }
  if (flags.command !== undefined && executor !== 'command' && executor !== 'auto') {
    const who = flags.executor === undefined ? 'config.json asks' : 'you ask';
    throw usageError(`--command is run by --executor command, and ${who} for ${executor}: leave one of the two out`);
  }
  return {
    name: flags.name ?? config.name ?? defaultName(),
    specialties: flags.specialties ?? config.specialties ?? ['general'],
    capacity: flags.capacity ?? config.capacity ?? 1,
    executor,
    command,
    budgets: {
      dailyUsd: flags.dailyBudgetUsd ?? config.dailyBudgetUsd ?? null,
      meshDailyUsd: config.meshDailyBudgetUsd ?? null,
    },
    checkpointEveryMs: flags.checkpointEvery ?? checkpointMsIn(config) ?? defaultCheckpointMs,
    verify: { commands: config.verify ?? {}, rounds: config.verifyRounds ?? defaultVerify.rounds },
    sandbox: flags.sandbox ?? config.sandbox ?? 'auto',
    allowHosts: config.allowHosts ?? [],
    listen: flags.listen ?? config.listen ?? null,
    peers: flags.peer ?? config.peers ?? [],
    mdns: flags.mdns && (config.mdns ?? true),
    logFormat: flags.logFormat,
  };
}

function checkpointMsIn({ checkpointEvery }: Config): number | undefined {
  try {
    return checkpointEvery === undefined ? undefined : duration(checkpointEvery);
  } catch (error) {
    throw usageError(`config.json: "checkpointEvery": "${checkpointEvery}" is no good: ${(error as Error).message}`);
  }
}
