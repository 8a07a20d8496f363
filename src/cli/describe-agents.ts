import { doubtsIn, effective, originText } from '../agents/specialists/catalogue.ts';
import type { FiledSpecialist, SpecialistFolder } from '../agents/specialists/specialist.ts';
import { clipped, table } from './output.ts';

/** What `peer agents` says. Pure. */

const order = (one: FiledSpecialist, other: FiledSpecialist): number =>
  one.name === other.name ? 0 : one.name < other.name ? -1 : 1;

/** By name; of one name the one that counts comes first. */
function listed({ specialists }: SpecialistFolder) {
  const counts = effective(specialists);
  return specialists
    .map((specialist) => ({ ...specialist, overriddenBy: overrider(specialist, counts.get(specialist.name)) }))
    .sort((a, b) => order(a, b) || Number(a.overriddenBy !== null) - Number(b.overriddenBy !== null));
}

const overrider = (one: FiledSpecialist, counts: FiledSpecialist = one): string | null =>
  counts.origin === one.origin ? null : counts.path;

export const describeAgents = (folder: SpecialistFolder): string =>
  table(
    ['NAME', 'MODEL', 'TOOLS', 'FROM', 'DESCRIPTION'],
    listed(folder).map((one) => [
      one.overriddenBy === null ? one.name : `(${one.name})`,
      clipped(one.model ?? 'default', 24),
      clipped(one.tools?.join(',') ?? 'all', 32),
      originText(one),
      clipped(one.overriddenBy === null ? one.description : `overridden by ${one.overriddenBy}`, 60),
    ]),
  );

/** Fields may be added, never renamed. `path` is null for those that come with the package. */
export const agentsJson = (folder: SpecialistFolder) => ({
  agents: listed(folder).map(({ name, description, model, tools, origin, path, overriddenBy }) => ({
    name,
    description,
    model,
    tools,
    origin,
    path: origin === 'built-in' ? null : path,
    overriddenBy,
  })),
  problems: folder.problems,
  warnings: doubtsIn(folder),
});
