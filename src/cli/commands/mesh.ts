import type { Command } from 'commander';
import { type ControlClient, ControlError } from '../../peer/control/client.ts';
import { openHome } from '../../peer/home/home.ts';
import { loadIdentity } from '../../peer/home/identity.ts';
import { inviteCode } from '../../peer/home/join-code.ts';
import { initMesh, joinMesh, loadMesh } from '../../peer/home/mesh.ts';
import { type Context, clientOf } from '../context.ts';
import { CliError, ExitCodes, usageError } from '../errors.ts';
import { nameText } from '../output.ts';
import { displayName } from '../values.ts';

export function addInit(program: Command, context: Context): void {
  program
    .command('init')
    .description('make a mesh of your own, with this PC as its first')
    .option('--name <name>', "the mesh's display name; this PC's name by default", displayName)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  peer init\n  peer init --name home')
    .action(async ({ name, json }: { readonly name?: string; readonly json?: boolean }) => {
      const home = await openHome(context.env);
      const { peer } = await loadIdentity(home);
      const mesh = await initMesh(home, { name });
      if (json === true) return context.out(JSON.stringify({ mesh: mesh.name, peer }));
      context.out(`made the mesh ${nameText(mesh.name)}; \`peer invite\` prints the code for your other PCs`);
    });
}

export function addInvite(program: Command, context: Context): void {
  program
    .command('invite')
    .description("print a join code for another PC; it holds the mesh's key")
    .option('--addresses', "with this peer's addresses, for PCs that multicast does not reach")
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  peer invite\n  peer invite --addresses     # while the peer runs')
    .action(async ({ addresses, json }: { readonly addresses?: boolean; readonly json?: boolean }) => {
      const mesh = await loadMesh(await openHome(context.env), context.env);
      if (mesh === null) {
        throw usageError('this PC is in no mesh yet: make one with `peer init`, or enter one with `peer join CODE`');
      }
      const code = inviteCode(mesh, addresses === true ? await addressesHere(clientOf(context)) : undefined);
      if (json === true) return context.out(JSON.stringify({ mesh: mesh.name, code }));
      context.out(code);
      context.err('on the other PC: peer join CODE. Whoever has it can enter the mesh: hand it over privately.');
    });
}

export function addJoin(program: Command, context: Context): void {
  program
    .command('join')
    .description('enter a mesh')
    .argument('<code>', 'what `peer invite` printed on one of its PCs')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  peer join im1-…')
    .action(async (code: string, { json }: { readonly json?: boolean }) => {
      const { mesh, already } = await joinMesh(await openHome(context.env), code);
      if (json === true) return context.out(JSON.stringify({ mesh: mesh.name, already }));
      context.out(
        already
          ? `this PC is in the mesh ${nameText(mesh.name)} already`
          : `joined the mesh ${nameText(mesh.name)}: \`peer start\``,
      );
    });
}

async function addressesHere(client: ControlClient): Promise<readonly string[]> {
  try {
    const { addresses } = await client.status();
    const outside = addresses.filter((address) => !/^\/ip(4\/127\.|6\/::1\/)/.test(address));
    return outside.length > 0 ? outside : addresses;
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'no-peer') throw error;
    throw new CliError(ExitCodes.noPeer, '--addresses needs the peer to run: start it with `peer start` first');
  }
}
