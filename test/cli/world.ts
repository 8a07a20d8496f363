import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../src/cli/context.ts';
import { run } from '../../src/cli/main.ts';

/** A command's surroundings in a folder of its own, with what it has said. */
export class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'cli-'));
  readonly home = join(this.folder, 'home');
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  code: number | null = null;
  /** What the person in front of it says; null = nobody is there. */
  answer: string | null = null;

  context(env: Context['env'] = {}): Context {
    return {
      env: { PEER_HOME: this.home, ...env },
      cwd: this.folder,
      version: '0.0.0',
      isTerminal: false,
      ask: this.answer === null ? null : async () => this.answer ?? '',
      out: (text) => void this.stdout.push(text),
      err: (text) => void this.stderr.push(text),
      exit: (code) => {
        this.code = code;
      },
    };
  }

  /** Runs a whole command line in this process. */
  async run(args: readonly string[], env: Context['env'] = {}): Promise<number> {
    this.code = await run(args, this.context(env));
    return this.code;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
