import { type WallMs, wallMs } from '../../../protocol/ids.ts';
import { oneLine } from '../../lines.ts';
import type { ExecutorOutcome, RunLimits } from '../executor.ts';
import { cutShort, type LimitedExit } from '../limited.ts';
import type { ResultEvent } from './events.ts';
import type { Login } from './settings.ts';
import type { Transcript } from './transcript.ts';

export type Verdict =
  | ExecutorOutcome
  /** What was to be resumed is not there. */
  | { readonly type: 'no-session' };

export interface Ended {
  readonly exit: LimitedExit;
  readonly transcript: Pick<Transcript, 'result' | 'apiError' | 'isLoginRefused' | 'planLimit'>;
  /** The last lines that were no events. */
  readonly complaints: readonly string[];
  readonly limits: RunLimits;
  readonly login: Login;
  /** When the API's own limit ends, by its answers' headers. */
  readonly limitEnd: WallMs | null;
  readonly now: WallMs;
}

/** Where nobody has said when it ends. */
const guessedPauseMs = 10 * 60_000;

/** What the end of a run of the CLI means. `subtype` is not trusted, and neither is exit code 0 without a result. */
export function judge(ended: Ended): Verdict {
  const { exit, transcript, limits } = ended;
  const { result } = transcript;
  if (transcript.isLoginRefused) return loginRefused(ended);
  if (exit.type === 'interrupted') return { type: 'interrupted' };
  if (exit.type === 'not-started') return failed(`Claude Code could not run: ${exit.reason}`);
  // It has said that it is done, and then not ended.
  const isOver = exit.type !== 'exited' || exit.code === 0;
  if (result !== null && !result.is_error && isOver)
    return { type: 'finished', summary: result.result?.trim() || null };
  if (exit.type !== 'exited') return failed(`the agent ${cutShort(exit.type, limits)}`);
  if (result?.is_error === true) return judgeError(result, ended);
  const last = ended.complaints.length === 0 ? '' : `; its last output: ${ended.complaints.join(' | ')}`;
  const told = result === null ? ' and told no result' : '';
  return failed(`Claude Code ended with ${exit.signal ?? `exit code ${exit.code}`}${told}${last}`);
}

function judgeError(result: ResultEvent, ended: Ended): Verdict {
  const { transcript, limits } = ended;
  const said = oneLine(result.result ?? result.errors.join('; '), 500);
  const status = result.api_error_status ?? null;
  if (transcript.planLimit !== null) return limited(said, ended);
  if (status === 401 || status === 403 || transcript.apiError === 'authentication_failed') return loginRefused(ended);
  if (transcript.apiError === 'billing_error') {
    return { type: 'quota', until: null, reason: `the API's account has no credit left (${said}): buy some` };
  }
  if (status === 429 || transcript.apiError === 'rate_limit') return limited(said, ended);
  if (result.subtype === 'error_max_turns') return failed(`the agent was not done after ${limits.turns} turns`);
  if (result.subtype === 'error_max_budget_usd') return failed(`the agent's budget is spent (${said})`);
  if (/No conversation found/.test(said)) return { type: 'no-session' };
  return failed(said === '' ? 'Claude Code failed and did not say why' : said);
}

function limited(said: string, { transcript: { planLimit }, limitEnd, now }: Ended): Verdict {
  const resetsAtSeconds = planLimit?.resetsAtSeconds ?? null;
  const told = resetsAtSeconds === null ? limitEnd : wallMs(Math.ceil(resetsAtSeconds * 1_000));
  const reason = `the API's limit is reached (${said})`;
  if (told !== null) return { type: 'quota', until: told, reason };
  return { type: 'quota', until: wallMs(now + guessedPauseMs), reason: `${reason}; it does not say until when` };
}

/** A plan's login is looked up anew each time; a key is the one that the peer was started with. */
function loginRefused({ login, transcript: { result }, now }: Ended): Verdict {
  const said = result?.result === undefined ? '401' : oneLine(result.result, 300);
  const until = login.type === 'plan' ? wallMs(now + guessedPauseMs) : null;
  return { type: 'quota', until, reason: `${nameOf(login)} was rejected (${said}): ${mendOf(login)}` };
}

function nameOf({ type }: Login): string {
  switch (type) {
    case 'api-key':
      return 'the API key';
    case 'auth-token':
    case 'oauth-token':
      return 'the token';
    case 'plan':
      return 'the login of Claude Code';
  }
}

function mendOf({ type }: Login): string {
  switch (type) {
    case 'api-key':
      return 'set ANTHROPIC_API_KEY to a valid one and start the peer again';
    case 'auth-token':
      return 'set ANTHROPIC_AUTH_TOKEN to a valid one and start the peer again';
    case 'oauth-token':
      return 'make a new CLAUDE_CODE_OAUTH_TOKEN with `claude setup-token` and start the peer again';
    case 'plan':
      return 'run `claude` on this PC and /login';
  }
}

const failed = (reason: string): ExecutorOutcome => ({ type: 'failed', reason });
