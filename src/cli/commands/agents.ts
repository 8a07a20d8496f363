import { resolve } from 'node:path';
import type { Command } from 'commander';
import { git } from '../../agents/git.ts';
import { doubtsIn, joined, readCatalogue } from '../../agents/specialists/catalogue.ts';
import { repositorySpecialists } from '../../agents/specialists/folder.ts';
import { problemText, type SpecialistFolder } from '../../agents/specialists/specialist.ts';
import { locateHome } from '../../peer/home/home.ts';
import type { Context } from '../context.ts';
import { agentsJson, describeAgents } from '../describe-agents.ts';
import { ExitCodes, usageError } from '../errors.ts';
import { printable } from '../output.ts';

const details = `
A task goes to the specialist of the first specialty that it asks for, else to
\`general\`. Of one name the repository's file counts more than yours, and yours
more than the built-in one. Yours are read when a peer starts.

Examples:
  peer agents
  peer agents --repo ~/src/widgets     # with its .claude/agents/*.md
  peer agents --json | jq '.agents[].name'

Exit code 0 when all files are sound, else 2. A tool or a model that nobody
knows, or no text at all, is a warning.`;

interface AgentsFlags {
  readonly repo?: string;
  readonly json?: boolean;
}

export function addAgents(program: Command, context: Context): void {
  program
    .command('agents')
    .description('the specialists, and where they come from')
    .option('--repo <path>', 'a checkout whose own to show; by default the one around here')
    .option('--json', 'as JSON')
    .addHelpText('after', details)
    .action(async (flags: AgentsFlags) => {
      const own = await readCatalogue(locateHome(context.env).folder);
      const found = joined(own, await ofRepository(context, flags));
      context.out(flags.json === true ? JSON.stringify(agentsJson(found)) : describeAgents(found));
      for (const doubt of doubtsIn(found)) context.err(`peer: warning: ${printable(problemText(doubt))}`);
      if (found.problems.length === 0) return;
      for (const problem of found.problems) context.err(`peer: ${printable(problemText(problem))}`);
      context.exit(ExitCodes.usage);
    });
}

async function ofRepository({ cwd }: Context, { repo }: AgentsFlags): Promise<SpecialistFolder> {
  const root = await git(['rev-parse', '--show-toplevel'], { cwd: resolve(cwd, repo ?? '.') }).catch(() => null);
  if (root !== null) return repositorySpecialists(root.stdout);
  if (repo !== undefined) throw usageError(`--repo: ${repo} is in no checkout of a repository: give a folder of one`);
  return { specialists: [], problems: [] };
}
