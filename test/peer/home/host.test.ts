import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { defaultName, hostId } from '../../../src/peer/home/host.ts';
import { nameSchema } from '../../../src/protocol/hello.ts';
import { hostIdSchema } from '../../../src/protocol/ids.ts';

test('a PC has one id, which says nothing about it', async () => {
  const id = await hostId();
  expect(await hostId()).toBe(id);
  expect(hostIdSchema.parse(id)).toMatch(/^[0-9a-f]{32}$/);
});

test('a peer is called after its PC', () => {
  expect(hostname().startsWith(defaultName()) || defaultName() === 'peer').toBe(true);
  expect(nameSchema.parse(defaultName())).not.toContain('.');
});
