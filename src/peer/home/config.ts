import { z } from 'zod';
import { nameSchema } from '../../protocol/hello.ts';
import { Limits } from '../../protocol/limits.ts';
import { specialtySchema } from '../../protocol/record.ts';
import { readIfThere } from './files.ts';
import type { Home } from './home.ts';
import { parseJsonFile } from './json-file.ts';

export const Executors = ['auto', 'claude-code', 'anthropic', 'command'] as const;
export const SandboxModes = ['auto', 'require', 'off'] as const;

/** `host`, `*.host`, or an address, each with or without `:port`. */
const hostSchema = z
  .string()
  .max(300)
  .regex(
    /^(?:\*\.)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i,
    'a host such as example.org, *.example.org or nas.lan:8080 expected',
  );

const addressSchema = z.string().regex(/^\/\S+$/, 'a multiaddr such as /ip4/192.168.1.20/tcp/4001 expected');

const specialtyOf = z
  .string()
  .refine(
    (text) => specialtySchema.safeParse(text).success,
    'a name of up to 40 small letters, digits and dashes expected',
  );

/** A person's defaults for `peer start`, each named as its flag where it has one; what a flag says counts more. */
export const configSchema = z
  .strictObject({
    name: nameSchema,
    specialties: z.array(specialtyOf).min(1).max(Limits.specialties),
    capacity: z.int().min(0).max(1_000),
    executor: z.enum(Executors),
    command: z.string().min(1).max(10_000),
    /** In USD a day, in UTC: of this peer, and of the mesh as far as its peers have said. */
    dailyBudgetUsd: z.number().positive(),
    meshDailyBudgetUsd: z.number().positive(),
    checkpointEvery: z.string().regex(/^\d+(?:\.\d+)?[smh]$/, 'a duration such as 90s, 30m or 2h expected'),
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

/**
 * The home's config.json; without one, no defaults.
 * @throws HomeError `bad-config`.
 */
export async function loadConfig(home: Home): Promise<Config> {
  const text = await readIfThere(home.config);
  if (text === null) return {};
  return parseJsonFile('bad-config', home.config, text, configSchema, 'correct it, or remove the line');
}
