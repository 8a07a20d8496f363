import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { OwnCli } from './settings.ts';

const credentialsSchema = z.object({
  claudeAiOauth: z.object({
    accessToken: z.string().min(1).max(10_000),
    /** Wall time. */
    expiresAt: z.number().nullish(),
  }),
});
type Access = z.infer<typeof credentialsSchema>['claudeAiOauth'];

/** The CLI renews a token that lives no longer than this. */
const renewBeforeMs = 5 * 60_000;
const renewMs = 60_000;

/**
 * The login that a person has made with the CLI on this PC: in a file, on a Mac in the keychain. An agent gets none of
 * it, not even to read. When it runs out, the person's own CLI renews it in its own place and under its own lock, which
 * keeps that person logged in: the token that renews is worth one use.
 */
export class PlanLogin {
  readonly #program: string;
  readonly #own: OwnCli;
  #renewal: Promise<void> | null = null;

  constructor(program: string, own: OwnCli) {
    this.#program = program;
    this.#own = own;
  }

  async isThere(): Promise<boolean> {
    return (await readAccess(this.#own)) !== null;
  }

  /** A token that the API takes now. Rejects with the mend. */
  async token(): Promise<string> {
    const found = await readAccess(this.#own);
    if (found !== null && leftMs(found) > renewBeforeMs) return found.accessToken;
    if (found !== null) await this.#renew();
    const renewed = await readAccess(this.#own);
    if (renewed !== null && leftMs(renewed) > 0) return renewed.accessToken;
    throw new Error('the login has run out: run `claude` on this PC and /login');
  }

  /** Asking the CLI how it is logged in makes it renew the login, and calls no model. */
  #renew(): Promise<void> {
    this.#renewal ??= execa(this.#program, ['auth', 'status'], {
      cwd: this.#own.home,
      env: this.#own.env,
      extendEnv: false,
      stdin: 'ignore',
      timeout: renewMs,
      reject: false,
    }).then(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }
}

const leftMs = ({ expiresAt }: Access): number =>
  expiresAt == null ? Number.POSITIVE_INFINITY : expiresAt - Date.now();

async function readAccess(own: OwnCli): Promise<Access | null> {
  const file = await readFile(join(own.configDir, '.credentials.json'), 'utf8').catch(() => null);
  const text = file ?? (own.platform === 'darwin' ? await fromKeychain(own) : null);
  return text === null ? null : parseAccess(text);
}

function parseAccess(text: string): Access | null {
  try {
    return credentialsSchema.parse(JSON.parse(text)).claudeAiOauth;
  } catch {
    return null;
  }
}

/** As the CLI itself reads it. */
async function fromKeychain({ configDir, isDefault, env }: OwnCli): Promise<string | null> {
  const suffix = isDefault ? '' : `-${createHash('sha256').update(configDir).digest('hex').slice(0, 8)}`;
  const args = ['find-generic-password', '-a', env.USER ?? '', '-w', '-s', `Claude Code-credentials${suffix}`];
  const { stdout, failed } = await execa('security', args, { env, extendEnv: false, reject: false, timeout: renewMs });
  return failed ? null : stdout;
}
