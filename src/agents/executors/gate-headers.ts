import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** How the API is logged in to: by a key, by the token of a gateway, or by that of a plan. */
export type LoginKind = 'api-key' | 'token' | 'plan-token';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * What the API is told of a request. No more: some headers make it refuse a login that is good, as `origin` does, and the
 * agent could take its peer out that way.
 */
const passedOn =
  /^(?:accept|content-type|user-agent|x-app|x-client-request-id|anthropic-(?:version|beta|dangerous-direct-browser-access)|x-(?:stainless|anthropic|claude-code|cc)-.*)$/;

/** Without it the API refuses the token of a plan. */
const planBeta = 'oauth-2025-04-20';

/** The request as the API gets it: with the login in its own place, wherever the pass was. */
export function requestHeaders(given: IncomingHttpHeaders, kind: LoginKind, key: string): Record<string, string> {
  const kept = Object.entries(given).flatMap(([name, value]) =>
    value !== undefined && passedOn.test(name) ? [[name, String(value)]] : [],
  );
  // What the API says is looked at here.
  const headers: Record<string, string> = { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
  if (kind === 'api-key') return { ...headers, 'x-api-key': key };
  const login = { ...headers, authorization: `Bearer ${key}` };
  return kind === 'plan-token' ? { ...login, 'anthropic-beta': withPlanBeta(headers['anthropic-beta']) } : login;
}

function withPlanBeta(given = ''): string {
  const betas = given.split(',').flatMap((one) => one.trim() || []);
  return [...new Set([...betas, planBeta])].join(',');
}

/** Of one connection only. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The answer as the agent gets it. */
export const answerHeaders = (given: Headers): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined || hopByHop.has(name) ? [] : [[name, value]],
    ),
  );

/** In whichever of the two places a program puts it. */
export const hasPass = (headers: IncomingHttpHeaders, pass: string): boolean =>
  isSame(headers.authorization, `Bearer ${pass}`) || isSame(headers['x-api-key'], pass);

function isSame(given: string | string[] | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(String(given)), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
