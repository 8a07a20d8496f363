import { describe, expect, it } from 'vitest';
import { meshServiceName, swarmKey } from '../../../src/peer/network/mesh-key.ts';

describe('what is derived from the mesh key', () => {
  const key = Buffer.from('0123456789abcdef'.repeat(4), 'hex');

  it('is a swarm.key file', () => {
    expect(Buffer.from(swarmKey(key)).toString()).toBe(`/key/swarm/psk/1.0.0/\n/base16/\n${key.toString('hex')}`);
  });

  it('is a service name of this mesh alone, with no part of the key in it', () => {
    const name = meshServiceName(key);
    expect(name).toMatch(/^_mesh-[0-9a-f]{10}\._udp\.local$/);
    expect(meshServiceName(Buffer.alloc(32, 1))).not.toBe(name);
    expect(key.toString('hex')).not.toContain(name.slice(6, 12));
  });
});
