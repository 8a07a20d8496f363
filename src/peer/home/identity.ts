import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import type { PeerId } from '../../protocol/ids.ts';
import type { Sign, Verify } from '../../protocol/record.ts';
import { HomeError } from './errors.ts';
import { createAtomically, messageOf, readSecret } from './files.ts';
import type { Home } from './home.ts';

/** Who this peer is: an Ed25519 key, whose public half is the peer's id. */
export interface Identity {
  readonly peer: PeerId;
  readonly privateKey: Ed25519PrivateKey;
  readonly sign: Sign;
}

/**
 * This home's identity, made at the first call. The file holds libp2p's protobuf of the key in base64.
 * @throws HomeError `bad-identity`.
 */
export async function loadIdentity(home: Home): Promise<Identity> {
  const found = await readIdentity(home);
  if (found !== null) return found;
  const made = await generateKeyPair('Ed25519');
  const text = `${Buffer.from(privateKeyToProtobuf(made)).toString('base64')}\n`;
  if (await createAtomically(home.identity, text)) return identityOf(made);
  return loadIdentity(home);
}

/**
 * This home's identity; null where none was made yet.
 * @throws HomeError `bad-identity`.
 */
export async function readIdentity(home: Home): Promise<Identity | null> {
  const found = await readSecret(home.identity);
  return found === null ? null : parseIdentity(home.identity, found);
}

/** An identity that is nowhere written: for a client that asks once and goes. */
export async function temporaryIdentity(): Promise<Identity> {
  return identityOf(await generateKeyPair('Ed25519'));
}

function parseIdentity(path: string, text: string): Identity {
  try {
    const key = privateKeyFromProtobuf(Buffer.from(text.trim(), 'base64'));
    if (key.type !== 'Ed25519') throw new Error(`the key is of type ${key.type}, not Ed25519`);
    const identity = identityOf(key);
    const probe = new Uint8Array(1);
    if (!createVerify()(identity.peer, probe, identity.sign(probe))) throw new Error('its two halves do not fit');
    return identity;
  } catch (cause) {
    const mend = 'restore it, or move it away to become a new peer';
    const message = `${path} does not hold a peer's key (${messageOf(cause)}): ${mend}`;
    throw new HomeError('bad-identity', path, message, { cause });
  }
}

function identityOf(privateKey: Ed25519PrivateKey): Identity {
  const jwk = { ...publicJwk(privateKey.publicKey.raw), d: base64url(privateKey.raw.subarray(0, 32)) };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return {
    peer: peerIdFromPrivateKey(privateKey).toString() as PeerId,
    privateKey,
    sign: (bytes) => signBytes(null, bytes, key),
  };
}

const keysKept = 1_000;

/** Checks signatures by the key that a peer's id is made of. Answers false, never throws, whatever it is given. */
export function createVerify(): Verify {
  const keys = new Map<PeerId, KeyObject | null>();
  return (peer, bytes, signature) => {
    let key = keys.get(peer);
    if (key === undefined) {
      key = publicKeyOf(peer);
      const [oldest] = keys.keys();
      if (keys.size >= keysKept && oldest !== undefined) keys.delete(oldest);
      keys.set(peer, key);
    }
    return key !== null && verifyBytes(null, bytes, key, signature);
  };
}

/** Null for an id that is none, is of another kind of key, or is written in another way than ours: one key, one id. */
function publicKeyOf(peer: PeerId): KeyObject | null {
  try {
    const id = peerIdFromString(peer);
    if (id.type !== 'Ed25519' || id.toString() !== peer) return null;
    return createPublicKey({ key: publicJwk(id.publicKey.raw), format: 'jwk' });
  } catch {
    return null;
  }
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const publicJwk = (raw: Uint8Array) => ({ kty: 'OKP', crv: 'Ed25519', x: base64url(raw) }) as const;
