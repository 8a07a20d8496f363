import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mesh } from '../support/mesh.ts';

/** An agent's command that first works until it is let go, however slow the machine is. */
export const untilLetGo = (then: string): string =>
  `echo working; touch waiting; until [ -e go ]; do sleep 0.1; done; rm -f waiting go; ${then}`;

/** The folders that agents on this peer work in. */
export const clonesOf = ({ home }: { readonly home: string }): readonly string[] => {
  const work = join(home, 'work');
  return existsSync(work) ? readdirSync(work).map((name) => join(work, name, 'clone')) : [];
};

/** Lets all agents go that wait; to be called again while more of them may come. */
export function letGo(mesh: Mesh): void {
  for (const clone of mesh.peers.filter(({ isAlive }) => isAlive).flatMap(clonesOf)) {
    if (existsSync(join(clone, 'waiting'))) writeFileSync(join(clone, 'go'), '');
  }
}
