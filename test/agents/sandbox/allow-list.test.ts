import { describe, expect, it } from 'vitest';
import { AllowList, hostOf, targetOf } from '../../../src/agents/sandbox/allow-list.ts';
import { registries } from '../../../src/agents/sandbox/registries.ts';

describe('an allow-list', () => {
  it.each([
    ['example.org', 'example.org:443', 'public'],
    ['example.org', 'example.org:80', 'public'],
    ['example.org', 'example.org:8080', null],
    ['example.org', 'www.example.org:443', null],
    ['example.org', 'badexample.org:443', null],
    ['example.org', 'example.org.evil.net:443', null],
    ['example.org', 'EXAMPLE.org.:443', 'public'],
    ['EXAMPLE.ORG', 'example.org:443', 'public'],
    ['*.example.org', 'a.b.example.org:443', 'public'],
    ['*.example.org', 'example.org:443', null],
    ['*.example.org', 'badexample.org:443', null],
    ['*.example.org:8443', 'a.example.org:8443', 'public'],
    ['*.example.org:8443', 'a.example.org:443', null],
    ['example.org:8443', 'example.org:8443', 'named'],
    ['example.org:8443', 'example.org:443', null],
    ['192.168.1.20', '192.168.1.20:443', 'named'],
    ['192.168.1.20', '192.168.1.20:22', null],
    ['127.0.0.1:3000', '127.0.0.1:3000', 'named'],
    ['127.0.0.1:3000', '127.0.0.1:3001', null],
    ['127.0.0.1:3000', '2130706433:3000', 'named'],
    ['127.0.0.1:3000', '0x7f.1:3000', 'named'],
    ['127.0.0.1:3000', 'localhost:3000', null],
    ['[::1]:3000', '[0:0:0:0:0:0:0:1]:3000', 'named'],
    ['bücher.example', 'xn--bcher-kva.example:443', 'public'],
  ])('with %s: %s is %s', (entry, authority, permit) => {
    const target = targetOf(authority);
    expect(target && new AllowList([entry]).permit(target)).toBe(permit);
  });

  it('takes the widest of what fits', () => {
    expect(new AllowList(['a.org', 'a.org:443']).permit({ host: 'a.org', port: 443 })).toBe('named');
  });

  it('knows the services of this PC', () => {
    const list = new AllowList(['localhost:1', '127.0.0.9:2', '[::1]:3', '10.0.0.1:4', 'localhost', 'example.org:5']);
    expect(list.loopback()).toEqual([
      { host: 'localhost', port: 1 },
      { host: '127.0.0.9', port: 2 },
      { host: '::1', port: 3 },
    ]);
  });

  it.each(registries)('of the registries has a plain name: %s', (name) => {
    expect(new AllowList(registries).permit({ host: name, port: 443 })).toBe('public');
  });
});

it.each(['', 'example.org', ':443', 'example.org:', 'example.org:65536', 'a/b:80', 'user@host:80', 'a b:80', 'a#b:80'])(
  'the authority %j is none',
  (text) => {
    expect(targetOf(text)).toBeNull();
  },
);

it('a host has one spelling', () => {
  expect(['0177.0.0.1', '127.1', '[::ffff:127.0.0.1]', 'a.b.'].map(hostOf)).toEqual([
    ...['127.0.0.1', '127.0.0.1', '::ffff:7f00:1', 'a.b'],
  ]);
});
