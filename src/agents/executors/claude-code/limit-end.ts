import { type WallMs, wallMs } from '../../../protocol/ids.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** When the limit that an answer of status 429 tells of ends; the CLI hands neither header on. Null where it says nothing. */
export function limitEnd(headers: Headers, now: WallMs): WallMs | null {
  const reset = secondsIn(headers['anthropic-ratelimit-unified-reset']);
  if (headers['anthropic-ratelimit-unified-status'] === 'rejected' && reset !== null) return wallMs(reset * 1_000);
  const wait = secondsIn(headers['retry-after']);
  return wait === null ? null : wallMs(now + wait * 1_000);
}

function secondsIn(header: Headers[string]): number | null {
  return typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : null;
}
