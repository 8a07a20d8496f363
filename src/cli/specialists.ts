import { type Catalogue, effective, readCatalogue } from '../agents/specialists/catalogue.ts';
import { problemText } from '../agents/specialists/specialist.ts';
import type { ControlClient } from '../peer/control/client.ts';
import type { Home } from '../peer/home/home.ts';
import type { Draft } from '../protocol/record.ts';
import type { Context } from './context.ts';
import { usageError } from './errors.ts';

/**
 * The specialists of this PC, for a peer that is to use them.
 * @throws CliError where a file is malformed: better said now than by an agent that works under another prompt.
 */
export async function soundCatalogue(home: Home): Promise<Catalogue> {
  const catalogue = await readCatalogue(home.folder);
  if (catalogue.problems.length > 0) {
    throw usageError(`${catalogue.problems.map(problemText).join('; ')}: correct it, or move the file away`);
  }
  return catalogue;
}

/** Specialties that a peer says it has and no file is about: allowed, and likely a typing error. */
export function withoutFile(specialties: readonly string[], { specialists }: Catalogue): readonly string[] {
  const known = effective(specialists);
  return specialties.filter((name) => !known.has(name));
}

/** In one line; null where there is nothing to be said. A repository may still bring one along. */
export function namelessNote(specialties: readonly string[], catalogue: Catalogue): string | null {
  const nameless = withoutFile(specialties, catalogue);
  if (nameless.length === 0) return null;
  const names = nameless.join(', ');
  return `no specialist here is called ${names}: \`general\` does that work; \`peer agents\` lists the names`;
}

/** What was asked for by name is waited for: better said now than found out later. It takes one peer that has all. */
export async function noteNobody({ err }: Context, client: ControlClient, { requires }: Draft): Promise<void> {
  const { specialties: wanted, explicit } = requires;
  if (!explicit || wanted.length === 0) return;
  const { peers } = await client.status();
  const hasAll = (has: readonly string[]): boolean => wanted.every((one) => has.includes(one));
  if (peers.some(({ connected, specialties: has }) => connected && hasAll(has))) return;
  const mend = `it waits for a \`peer start --specialties ${wanted.join(',')}\` on some PC`;
  err(
    `note: no peer in sight has the ${wanted.length === 1 ? 'specialty' : 'specialties'} ${wanted.join(', ')}: ${mend}`,
  );
}
