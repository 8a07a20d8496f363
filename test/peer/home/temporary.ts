import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type Home, openHome } from '../../../src/peer/home/home.ts';

/** A folder for each test, removed after it; `home` is one in it, already opened. */
export function useTemporaryHome(): { readonly folder: string; readonly home: Home } {
  let folder = '';
  let home: Home | null = null;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'home-'));
    home = await openHome({ PEER_HOME: join(folder, 'home') });
  });
  afterEach(() => rm(folder, { recursive: true }));
  return {
    get folder() {
      return folder;
    },
    get home() {
      if (home === null) throw new Error('only inside a test');
      return home;
    },
  };
}

export const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
