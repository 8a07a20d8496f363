import { z } from 'zod';
import { nameSchema } from '../../protocol/hello.ts';
import { Limits } from '../../protocol/limits.ts';
import { specialtySchema } from '../../protocol/record.ts';
import { configTrouble } from './config-words.ts';
import { readIfThere } from './files.ts';
import type { Home } from './home.ts';
import { type JsonFile, parseJsonFile } from './json-file.ts';

export const Executors = ['auto', 'claude-code', 'anthropic', 'command'] as const;
export const SandboxModes = ['auto', 'require', 'off'] as const;

/** `host`, `*.host`, or an address, each with or without `:port`. */
const hostSchema = z
  .string()
  .max(300)
  .regex(/^(?:\*\.)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i);

const addressSchema = z.string().regex(/^\/\S+$/);

const usdSchema = z.number().positive().max(Limits.sumUsd);

const specialtyOf = z.string().refine((text) => specialtySchema.safeParse(text).success);

/** A person's defaults for `peer start`, each named as its flag where it has one; what a flag says counts more. */
export const configSchema = z
  .strictObject({
    name: nameSchema,
    specialties: z.array(specialtyOf).min(1).max(Limits.specialties),
    capacity: z.int().min(0).max(1_000),
    executor: z.enum(Executors),
    command: z.string().min(1).max(10_000),
    /** In USD a day, in UTC: of this peer, and of the mesh as far as its peers have said. */
    dailyBudgetUsd: usdSchema,
    meshDailyBudgetUsd: usdSchema,
    checkpointEvery: z.string().regex(/^\d+(?:\.\d+)?[smh]$/),
    /** By `owner/name`, address or path: the command that has to pass before a result is published; false for none. */
    verify: z.record(z.string().min(1).max(1_000), z.union([z.string().min(1).max(2_000), z.literal(false)])),
    /** How often what fails goes back to the agent. */
    verifyRounds: z.int().min(0).max(10),
    listen: z.array(addressSchema).min(1).max(16),
    peers: z.array(addressSchema).max(100),
    mdns: z.boolean(),
    sandbox: z.enum(SandboxModes),
    /** What agents in a sandbox may reach besides the model's API and the package registries. */
    allowHosts: z.array(hostSchema).max(1_000),
  })
  .partial();
export type Config = z.infer<typeof configSchema>;

const usd = 'an amount in US dollars above 0, such as 2.5,';
const addresses = 'a list of multiaddrs such as ["/ip4/192.168.1.10/tcp/4001"]';
const address = 'a multiaddr such as /ip4/192.168.1.10/tcp/4001';

/** What each setting takes; `name.*` what stands in it. */
const expected: Readonly<Record<keyof Config, string>> & Readonly<Record<string, string>> = {
  name: 'a name of 1 to 100 characters, none of them a control character,',
  specialties: `a list of 1 to ${Limits.specialties} names such as ["backend", "testing"]`,
  'specialties.*': 'a name of up to 40 small letters, digits and dashes',
  capacity: 'a whole number from 0 to 1000',
  executor: `one of ${Executors.join(', ')}`,
  command: 'a command line of 1 to 10000 characters',
  dailyBudgetUsd: usd,
  meshDailyBudgetUsd: usd,
  checkpointEvery: 'a duration from 1s to 7 days, such as "90s", "30m" or "2h",',
  verify: 'an object such as {"owner/name": "make check"}',
  'verify.*': 'a command of 1 to 2000 characters, or false for none,',
  verifyRounds: 'a whole number from 0 to 10',
  listen: addresses,
  'listen.*': address,
  peers: addresses,
  'peers.*': address,
  mdns: 'true or false',
  sandbox: `one of ${SandboxModes.join(', ')}`,
  allowHosts: 'a list of hosts such as ["example.org"]',
  'allowHosts.*': 'a host such as example.org, *.example.org or nas.lan:8080',
};

const file: JsonFile<Config> = {
  code: 'bad-config',
  schema: configSchema,
  trouble: (issue, raw) => configTrouble(issue, raw, expected),
  mend: 'correct it, or remove the line',
};

/**
 * The home's config.json; without one, no defaults.
 * @throws HomeError `bad-config`.
 */
export async function loadConfig(home: Home): Promise<Config> {
  const text = await readIfThere(home.config);
  if (text === null) return {};
  return parseJsonFile(home.config, text, file);
}
