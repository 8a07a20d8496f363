import { afterEach, describe, expect, test } from 'vitest';
import { openKeyGate } from '../../../src/agents/executors/key-gate.ts';
import { Meter } from '../../../src/agents/executors/meter.ts';
import { Refusals, refusalOf } from '../../../src/agents/executors/refusals.ts';
import { wallMs } from '../../../src/protocol/ids.ts';
import { type LocalServer, listenLocally } from '../../support/git-server.ts';

const now = wallMs(Date.parse('2026-11-30T12:00:00Z'));
const nextMonth = wallMs(Date.parse('2026-12-01T00:00:00Z'));
const regain = 'You will regain access on 2026-12-01 at 00:00 UTC.';
const error = (message: string, type = 'invalid_request_error') =>
  JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' });
const said = (message: string, status = 400) => refusalOf({ status, headers: {}, text: error(message) }, now);

describe('the API refuses this PC', () => {
  test.each([
    ['Your credit balance is too low to access the Anthropic API.', null],
    [
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      null,
    ],
    [
      'Your credit balance is too low to access the Claude API. Please go to Plans & Billing to upgrade or purchase credits.',
      null,
    ],
    ["You're out of extra usage. Add more at claude.ai/settings/usage and keep going.", null],
    [`You have reached your specified API usage limits. ${regain}`, nextMonth],
    [`You have reached your specified workspace API usage limits. ${regain}`, nextMonth],
  ])('%s', (message, until) => {
    expect(said(message)).toEqual({ until });
  });

  test('until a day that is beyond all sense: it has not said until when', () => {
    for (const day of ['2099-12-31', '2026-99-99']) {
      expect(said(`You have reached your specified API usage limits. ${regain.replace('2026-12-01', day)}`)).toEqual({
        until: null,
      });
    }
    const headers = {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': '4102444800',
    };
    expect(refusalOf({ status: 429, headers, text: '' }, now)).toEqual({ until: null });
  });

  test('whatever it says with some statuses, and with one only where it says so itself', () => {
    for (const status of [401, 402, 429]) expect(said('no', status)).toEqual({ until: null });
    expect(said('no', 403)).toEqual({ until: null });
    expect(refusalOf({ status: 403, headers: {}, text: '<html>Sorry, you have been blocked</html>' }, now)).toBeNull();
  });
});

describe('the API does not refuse this PC', () => {
  test.each([
    `usage limits. ${regain}: Extra inputs are not permitted`,
    `You have reached your specified API usage limits. ${regain}: Extra inputs are not permitted`,
    `metadata: You have reached your specified API usage limits. ${regain}`,
    `You have reached your specified API usage limits\n. ${regain}`,
    'Your credit balance is too low: Extra inputs are not permitted',
  ])('with words of the agent’s own: %s', (message) => {
    expect(said(message)).toBeNull();
  });

  test('in a text that is no error', () => {
    const text = `You have reached your specified API usage limits. ${regain}`;
    expect(refusalOf({ status: 400, headers: {}, text }, now)).toBeNull();
  });
});

describe('what an agent does with its pass takes no peer out', () => {
  const good = 'sk-ant-good';
  const quota = { type: 'quota', until: null, reason: 'the API key was rejected' } as const;
  let api: LocalServer;
  afterEach(() => api.close());

  /** As the API does: a key is taken in its own header alone, and of a parameter that it does not know it says the name. */
  async function outcomeAfter(headers: (pass: string) => Record<string, string>, body: object) {
    api = await listenLocally(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = (status: number, message: string): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(error(message));
      };
      if (request.headers['x-api-key'] !== good) return answer(401, 'invalid bearer token');
      if (request.headers.origin !== undefined) return answer(401, 'CORS requests are not allowed');
      const [odd] = Object.keys(JSON.parse(Buffer.concat(chunks).toString())).filter((one) => one !== 'model');
      answer(odd === undefined ? 500 : 400, `${odd}: Extra inputs are not permitted`);
    });
    const refusals = new Refusals();
    const meter = new Meter(5, () => {});
    const login = { kind: 'api-key', key: good } as const;
    const gate = await openKeyGate({ login, baseUrl: api.origin, meter, watch: refusals.watch });
    const init = { method: 'POST', headers: headers(gate.pass), body: JSON.stringify(body) };
    await (await fetch(`${gate.url}/v1/messages`, init)).text();
    await gate.close();
    return refusals.check(quota);
  }

  test.each([
    ['puts it in the other place', (pass: string) => ({ authorization: `Bearer ${pass}` }), {}],
    ['says that it is a page', (pass: string) => ({ 'x-api-key': pass, origin: 'https://a.example' }), {}],
    ['has its own words repeated', (pass: string) => ({ 'x-api-key': pass }), { [`usage limits. ${regain}`]: 1 }],
  ])('it %s', async (_, headers, more) => {
    expect(await outcomeAfter(headers, { model: 'm', ...more })).toMatchObject({ type: 'failed' });
  });
});
