import type { Command } from 'commander';
import { Executors, SandboxModes } from '../../peer/home/config.ts';
import type { Context } from '../context.ts';
import { LogFormats } from '../log.ts';
import { runPeer } from '../run-peer.ts';
import type { StartFlags } from '../start-options.ts';
import { address, capacity, choice, displayName, duration, money, specialties, textUpTo } from '../values.ts';

export function addStart(program: Command, context: Context): void {
  program
    .command('start')
    .description('run a peer in the foreground')
    .option('--name <name>', "display name; this PC's by default", displayName)
    .option('--specialties <list>', 'what this PC is best at, such as backend,testing (default: general)', specialties)
    .option('--capacity <n>', 'how many tasks at a time (default: 1)', capacity)
    .option('--executor <which>', `what runs the agent: ${Executors.join(', ')} (default: auto)`, choice(Executors))
    .option('--command <cmd>', "the command executor's command line", textUpTo(10_000))
    .option(
      '--daily-budget-usd <amount>',
      'what agents may cost on this PC in a day, in UTC (default: no limit)',
      money,
    )
    .option('--checkpoint-every <duration>', 'how often work under way is saved (default: 60s)', duration)
    .option(
      '--sandbox <mode>',
      'confine agents: auto (where this PC can), require (else do not start) or off (default: auto)',
      choice(SandboxModes),
    )
    .option('--listen <multiaddr>', 'where to listen, may be repeated (default: any free port)', address)
    .option('--peer <multiaddr>', 'whom to dial where multicast does not reach, may be repeated', address)
    .option('--no-mdns', 'neither announce this peer nor look for others')
    .option('--log-format <format>', 'text or json, on stderr', choice(LogFormats), 'text')
    .addHelpText(
      'after',
      `
Examples:
  peer start --specialties backend --executor command --command ~/agent.sh
  peer start --specialties frontend,testing --capacity 2
  peer start --listen /ip4/0.0.0.0/tcp/4001 --peer /ip4/192.168.1.10/tcp/4001

Defaults may be written to config.json in the state folder, each named as its
flag (--peer: "peers", --no-mdns: "mdns"); "allowHosts" lists what agents in a
sandbox may reach besides package registries, "verify" the command that has to
pass for each repository. SIGTERM or Ctrl-C hands over what runs and ends within
10 s; a second one ends at once.

A daily budget is a limit up to one call of the model for each attempt that
runs; what runs when it is spent goes on at another peer. "meshDailyBudgetUsd",
in config.json only, counts what all peers have said: nothing is started once
that is spent, but word of it comes some seconds late.`,
    )
    .action((flags: StartFlags) => runPeer(context, flags));
}
