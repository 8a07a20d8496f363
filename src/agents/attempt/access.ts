import { statSync } from 'node:fs';
import type { Aptitude } from '../../protocol/agent.ts';
import type { HostId } from '../../protocol/ids.ts';
import type { Repository } from '../../protocol/record.ts';
import type { ForgeFor } from '../forge/forge.ts';
import type { Mirrors } from '../workspace/mirror.ts';
import { bounded } from './ending.ts';

/** How long a refusal by the forge is believed, and how long a look at the disk. */
const DeniedForMs = 10 * 60_000;
const LookForMs = 1_000;

/** Which repositories this PC can work on, answered without waiting: bids hang on it. */
export class Access {
  readonly #host: HostId;
  readonly #forgeFor: ForgeFor;
  readonly #mirrors: Mirrors;
  readonly #denied = new Map<string, { readonly reason: string; readonly untilMs: number }>();
  readonly #looked = new Map<string, { readonly aptitude: Aptitude; readonly untilMs: number }>();

  constructor(host: HostId, forgeFor: ForgeFor, mirrors: Mirrors) {
    this.#host = host;
    this.#forgeFor = forgeFor;
    this.#mirrors = mirrors;
  }

  aptitude(repository: Repository): Aptitude {
    const key = keyOf(repository);
    const nowMs = performance.now();
    const known = this.#looked.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.aptitude;
    const aptitude = this.#look(repository, nowMs);
    this.#forgetOld(nowMs);
    this.#looked.set(key, { aptitude, untilMs: nowMs + LookForMs });
    return aptitude;
  }

  /** The forge has refused this PC. */
  deny(repository: Repository, reason: string): void {
    this.#denied.set(keyOf(repository), { reason: bounded(reason), untilMs: performance.now() + DeniedForMs });
    this.#looked.delete(keyOf(repository));
  }

  /** The repository was reached after all. */
  allow(repository: Repository): void {
    this.#denied.delete(keyOf(repository));
    this.#looked.delete(keyOf(repository));
  }

  #look(repository: Repository, nowMs: number): Aptitude {
    const denied = this.#denied.get(keyOf(repository));
    if (denied !== undefined && nowMs < denied.untilMs) return { noAccess: denied.reason, warm: false };
    const elsewhere = this.#elsewhere(repository);
    if (elsewhere !== null) return { noAccess: elsewhere, warm: false };
    const forge = this.#forgeFor(repository);
    if ('noAccess' in forge) return { noAccess: forge.noAccess, warm: false };
    return { noAccess: null, warm: this.#mirrors.has(forge.remote().url) };
  }

  /** A path belongs to one PC. */
  #elsewhere(repository: Repository): string | null {
    if (repository.type !== 'path') return null;
    if (repository.host !== this.#host) return 'it is a folder of another PC';
    return isFolder(repository.path) ? null : `there is no folder ${repository.path}`;
  }

  #forgetOld(nowMs: number): void {
    for (const [key, { untilMs }] of this.#looked) if (untilMs <= nowMs) this.#looked.delete(key);
    for (const [key, { untilMs }] of this.#denied) if (untilMs <= nowMs) this.#denied.delete(key);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** GitHub's names do not mind their case. */
function keyOf(repository: Repository): string {
  switch (repository.type) {
    case 'github':
      return `github:${repository.owner}/${repository.name}`.toLowerCase();
    case 'git':
      return `git:${repository.url}`;
    case 'path':
      return `path:${repository.host}:${repository.path}`;
  }
}
