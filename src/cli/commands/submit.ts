import type { Command } from 'commander';
import { checkPlace } from '../../agents/forge/place.ts';
import type { ControlClient } from '../../peer/control/client.ts';
import { type Draft, Priorities } from '../../protocol/record.ts';
import { findMesh } from '../client-mode.ts';
import type { Context } from '../context.ts';
import { draftOf, type SubmitFlags, wantedBy } from '../draft.ts';
import { usageError } from '../errors.ts';
import { follow } from '../follow.ts';
import { printable } from '../output.ts';
import { noteNobody } from '../specialists.ts';
import { printSubmitted } from '../submitted.ts';
import { choice, duration, folderWithin, money, specialties, textUpTo } from '../values.ts';

export function addSubmit(program: Command, context: Context): void {
  program
    .command('submit')
    .description('have an issue or a prompt worked on; prints the task id')
    .option('--issue <n|url>', 'a GitHub issue')
    .option('--prompt <text>', 'what is to be done')
    .option('--file <path>', 'a file that says what is to be done')
    .option('--repo <repository>', "owner/name, a URL or a path; this folder's origin by default")
    .option('--requires <list>', 'only peers with these specialties may take it', specialties)
    .option('--priority <which>', Priorities.join(', '), choice(Priorities), 'normal')
    .option('--base <branch>', "where to start from; the repository's default branch otherwise", textUpTo(250))
    .option('--verify <cmd>', "must pass before publishing; the repository's own tests otherwise", textUpTo(2_000))
    .option('--path <dir>', 'the folder of a monorepo to work in, and to run --verify in', folderWithin)
    .option('--budget-usd <amount>', 'what it may cost over all its attempts; it fails once that is spent', money)
    .option('--timeout <duration>', 'the longest that an attempt may take (default: 60m)', duration)
    .option('--again', 'another round of a task that has ended')
    .option('--follow', 'show its life and end with it: exit 0 done, 1 failed, 3 cancelled')
    .option('--json', 'as JSON; with --follow one event a line, the task last')
    .addHelpText(
      'after',
      `
Examples:
  peer submit --issue 7 --repo acme/widgets --follow
  peer submit --issue https://github.com/acme/widgets/issues/7
  peer submit --prompt 'Fix the typo in the README' --repo ./my-repository
  peer submit --file task.md --requires backend,testing --timeout 30m

A task whose attempt fails, changes nothing or takes too long is tried three
times in all, each time on another PC where one is free: it may cost three times
what an attempt may, $5 where calls are billed, unless --budget-usd says less.
An agent that prints nothing for 10 minutes is stopped.

GITHUB_TOKEN is needed for private repositories.`,
    )
    .action((flags: SubmitFlags) => submit(context, flags));
}

/** What is not there would only be missed by each attempt in turn. Where nobody can tell now, they are to find out. */
async function checkWhere({ env, err }: Context, client: ControlClient, draft: Draft): Promise<void> {
  // The repository of an issue has just shown it.
  if (draft.source.type === 'issue' && draft.base === null && draft.path === null) return;
  const sight = await checkPlace(env, draft);
  if (sight.type === 'there') return;
  const reason = printable(sight.reason);
  if (sight.type === 'unasked') return err(`note: the repository cannot be looked up: ${reason}`);
  if (await isAlone(client)) throw usageError(reason);
  err(`note: ${reason}; it is submitted all the same, for a peer that may see it`);
}

/** Then nobody has another token, or another key. */
async function isAlone(client: ControlClient): Promise<boolean> {
  return (await client.status()).peers.every(({ self }) => self);
}

/** What a command spends nobody counts. */
async function noteUncounted({ err }: Context, client: ControlClient): Promise<void> {
  const executors = (await client.status()).peers.flatMap(({ executor }) => executor ?? []);
  if (executors.length > 0 && executors.every((name) => name === 'command'))
    err(
      'note: only `command` agents are in sight, and what those spend is not counted: --budget-usd limits nothing there',
    );
}

async function submit(context: Context, flags: SubmitFlags): Promise<void> {
  // In this order: a slip in the flags is told at once, and GitHub is asked only where somebody would take the issue.
  const wanted = await wantedBy(context, flags);
  await using way = await findMesh(context);
  const { client } = way;
  if (flags.budgetUsd !== undefined) await noteUncounted(context, client);
  const draft = await draftOf(context, flags, wanted);
  await checkWhere(context, client, draft);
  const reply = await client.submit({ draft, again: flags.again === true });
  await noteNobody(context, client, draft);
  const task = printSubmitted(context, reply, flags);
  if (task !== null) await follow(context, client, task.id, flags.json === true);
}
