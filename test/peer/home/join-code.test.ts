import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inviteCode, type Mesh, parseJoinCode } from '../../../src/peer/home/join-code.ts';

const mesh: Mesh = { name: 'home', key: randomBytes(32), addresses: ['/ip4/192.168.1.20/tcp/4001'] };
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
const same = (a: Mesh, b: Mesh): void => {
  expect({ ...a, key: hex(a.key) }).toEqual({ ...b, key: hex(b.key) });
};
const refused = (message: RegExp) =>
  expect.objectContaining({ name: 'HomeError', code: 'bad-join-code', message: expect.stringMatching(message) });

describe('join codes', () => {
  test('give back the mesh, whatever its name', () => {
    const meshes = fc.record({
      name: fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter((name) => name.length <= 100),
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      addresses: fc.array(fc.string({ minLength: 1, maxLength: 100 }), { maxLength: 16 }),
    });
    fc.assert(fc.property(meshes, (any) => same(parseJoinCode(inviteCode(any)), any)));
  });

  test('fit in a line and need no quoting in a shell', () => {
    expect(inviteCode(mesh, [])).toMatch(/^im1-[\w-]{40,80}$/);
  });

  test('take the addresses given instead of those kept, as many as can be read back', () => {
    const many = Array.from({ length: 40 }, (_, port) => `/ip4/10.0.0.1/tcp/${port}`);
    expect(parseJoinCode(inviteCode(mesh, many)).addresses).toEqual(many.slice(0, 16));
    expect(parseJoinCode(inviteCode(mesh, [])).addresses).toEqual([]);
  });

  test('survive line breaks and blanks around them', () => {
    const code = inviteCode(mesh);
    same(parseJoinCode(`  ${code.slice(0, 20)}\n ${code.slice(20, 50)}\r\n${code.slice(50)}\t\n`), mesh);
  });

  test('any one wrong, missing, doubled or swapped character is found', () => {
    const code = inviteCode(mesh);
    for (let at = 'im1-'.length; at < code.length - 1; at++) {
      const [here, next] = [code.charAt(at), code.charAt(at + 1)];
      const wrong = here === 'A' ? 'B' : 'A';
      const slips = [wrong, '', here + here, ...(here === next ? [] : [next + here])];
      for (const slip of slips) {
        const rest = code.slice(at + (slip === next + here && here !== next ? 2 : 1));
        const typed = code.slice(0, at) + slip + rest;
        if (typed === code) continue;
        expect(() => parseJoinCode(typed), typed).toThrow(refused(/mistyped or cut short: copy the whole/));
      }
    }
  });

  test('of another version, and what is no code, are told apart from a slip', () => {
    expect(() => parseJoinCode('im2-abcdef')).toThrow(refused(/another version \(2\)/));
    for (const text of ['', 'hello', hex(mesh.key), 'https://example.org', '-im1-x']) {
      expect(() => parseJoinCode(text)).toThrow(refused(/begins with im1-: run `peer invite`/));
    }
    expect(() => parseJoinCode('im1-')).toThrow(refused(/mistyped/));
    expect(() => parseJoinCode(`${inviteCode(mesh)}.`)).toThrow(refused(/mistyped/));
  });

  test('the message never repeats the code', () => {
    const code = inviteCode(mesh);
    expect(() => parseJoinCode(code.slice(0, -1))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(code.slice(4, 20)) }),
    );
  });
});
