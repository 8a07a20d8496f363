import { ForgeError } from './errors.ts';
import { GitHub } from './github.ts';
import { type Environment, gitHubSettings } from './settings.ts';

export type TokenCheck =
  | { readonly type: 'none' }
  | { readonly type: 'valid'; readonly login: string }
  | { readonly type: 'refused'; readonly error: ForgeError };

/** Whether GitHub takes the token, and whose it is. */
export async function checkToken(env: Environment): Promise<TokenCheck> {
  const settings = gitHubSettings(env);
  if (settings.token === null) return { type: 'none' };
  try {
    return { type: 'valid', login: await new GitHub(settings).login() };
  } catch (error) {
    if (error instanceof ForgeError) return { type: 'refused', error };
    throw error;
  }
}
