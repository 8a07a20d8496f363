import { chmod, readFile, writeFile } from 'node:fs/promises';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { describe, expect, test } from 'vitest';
import { createVerify, loadIdentity, temporaryIdentity } from '../../../src/peer/home/identity.ts';
import { type PeerId, peerIdSchema } from '../../../src/protocol/ids.ts';
import { modeOf, useTemporaryHome } from './temporary.ts';

const bytes = new TextEncoder().encode('what is signed');
const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');

describe('identity', () => {
  const temporary = useTemporaryHome();
  const write = (text: string): Promise<void> => writeFile(temporary.home.identity, text);

  test('is made once and stays', async () => {
    const first = await loadIdentity(temporary.home);
    const second = await loadIdentity(temporary.home);
    expect(second.peer).toBe(first.peer);
    expect(peerIdSchema.parse(first.peer)).toBe(first.peer);
    expect(await modeOf(temporary.home.identity)).toBe(0o600);
  });

  test("is the key that libp2p's own format holds", async () => {
    const { peer, privateKey } = await loadIdentity(temporary.home);
    const read = privateKeyFromProtobuf(Buffer.from(await readFile(temporary.home.identity, 'utf8'), 'base64'));
    expect(peerIdFromPrivateKey(read).toString()).toBe(peer);
    expect(read.equals(privateKey)).toBe(true);
  });

  test('two processes that start at once have the same one', async () => {
    const both = await Promise.all([loadIdentity(temporary.home), loadIdentity(temporary.home)]);
    expect(both[0].peer).toBe(both[1].peer);
    expect((await loadIdentity(temporary.home)).peer).toBe(both[0].peer);
  });

  test('of a client is another each time', async () => {
    expect((await temporaryIdentity()).peer).not.toBe((await temporaryIdentity()).peer);
  });

  test('a key file that others can read is closed to them', async () => {
    await loadIdentity(temporary.home);
    await chmod(temporary.home.identity, 0o644);
    await loadIdentity(temporary.home);
    expect(await modeOf(temporary.home.identity)).toBe(0o600);
  });

  const flipped = async (index: number): Promise<string> => {
    const key = privateKeyToProtobuf(await generateKeyPair('Ed25519'));
    return base64(key.map((byte, at) => (at === index ? byte ^ 1 : byte)));
  };
  test.each([
    ['an empty file', async () => ''],
    ['text', async () => 'not a key at all'],
    ['a key cut short', async () => base64(privateKeyToProtobuf(await generateKeyPair('Ed25519')).subarray(0, 40))],
    ['a key of another kind', async () => base64(privateKeyToProtobuf(await generateKeyPair('secp256k1')))],
    ['a flipped bit in the private half', () => flipped(10)],
    ['a flipped bit in the public half', () => flipped(50)],
  ])('%s is refused in one line, and kept', async (_, make) => {
    const text = await make();
    await write(text);
    const message = expect.stringMatching(/^[^\n]*identity\.key does not hold[^\n]*move it away to become a new peer$/);
    await expect(loadIdentity(temporary.home)).rejects.toMatchObject({ code: 'bad-identity', message });
    expect(await readFile(temporary.home.identity, 'utf8')).toBe(text);
  });
});

describe('signatures', () => {
  const verify = createVerify();

  test('are those of libp2p, both ways', async () => {
    const { peer, privateKey, sign } = await temporaryIdentity();
    const signature = sign(bytes);
    expect(await privateKey.publicKey.verify(bytes, signature)).toBe(true);
    expect(verify(peer, bytes, await privateKey.sign(bytes))).toBe(true);
    expect(sign(bytes)).toEqual(signature);
  });

  test('fit one peer, one text, one signature', async () => {
    const [mine, other] = [await temporaryIdentity(), await temporaryIdentity()];
    const signature = mine.sign(bytes);
    const flip = (data: Uint8Array): Uint8Array => data.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
    expect(verify(mine.peer, bytes, signature)).toBe(true);
    expect(verify(other.peer, bytes, signature)).toBe(false);
    expect(verify(mine.peer, flip(bytes), signature)).toBe(false);
    expect(verify(mine.peer, bytes, flip(signature))).toBe(false);
    expect(verify(mine.peer, bytes, signature.subarray(1))).toBe(false);
    expect(verify(mine.peer, bytes, new Uint8Array())).toBe(false);
  });

  test('of an id that is none, of another kind, or written otherwise are false, twice', async () => {
    const { peer, sign } = await temporaryIdentity();
    const secp = peerIdFromPrivateKey(await generateKeyPair('secp256k1')).toString();
    const asCid = peerIdFromString(peer).toCID().toString();
    for (const id of ['', 'nonsense', '12D3KooW', peer.slice(0, -1), secp, asCid]) {
      for (let time = 0; time < 2; time++) expect(verify(id as PeerId, bytes, sign(bytes))).toBe(false);
    }
  });

  test('still hold after more peers than are kept in mind', async () => {
    const small = createVerify();
    const { peer, sign } = await temporaryIdentity();
    expect(small(peer, bytes, sign(bytes))).toBe(true);
    for (let id = 0; id < 1_100; id++) small(`nobody${id}` as PeerId, bytes, sign(bytes));
    expect(small(peer, bytes, sign(bytes))).toBe(true);
  });
});
