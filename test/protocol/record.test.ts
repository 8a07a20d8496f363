import { describe, expect, it } from 'vitest';
import { createVerify, temporaryIdentity } from '../../src/peer/home/identity.ts';
import { fromBytes, toBytes } from '../../src/protocol/cbor.ts';
import { Limits } from '../../src/protocol/limits.ts';
import {
  branchOf,
  openTask,
  type SignedRecord,
  signTask,
  type Task,
  type TaskBody,
  taskIdOf,
  type Verify,
} from '../../src/protocol/record.ts';
import { golden } from './golden-record.ts';
import { body, other, peer } from './samples.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const signature = new Uint8Array(64).fill(7);
const signed = (changed: Partial<Record<keyof TaskBody | 'later', unknown>> = {}): SignedRecord => ({
  bytes: toBytes({ ...body, ...changed }),
  signature,
});
const trusting: Verify = () => true;

function opened(record: SignedRecord, verify: Verify = trusting): Task {
  const task = openTask(record, verify);
  if ('invalid' in task) throw new Error(task.invalid);
  return task;
}
const whyNot = (record: SignedRecord, verify: Verify = trusting): string | null => {
  const task = openTask(record, verify);
  return 'invalid' in task ? task.invalid : null;
};

describe('canonical bytes', () => {
  it('are the same in every version: the id and the signature of stored records hang on them', () => {
    const task = signTask(body, () => signature);
    expect(hex(task.signed.bytes)).toBe(golden.bytes);
    expect(task.id).toBe(golden.id);
  });

  it('do not depend on the order of fields', () => {
    const backwards = Object.fromEntries(Object.entries(body).toReversed()) as unknown as TaskBody;
    expect(signTask(backwards, () => signature).id).toBe(golden.id);
  });

  it.each<[string, string]>([
    ['a key twice', 'a2616101616102'],
    ['more behind the value', '0101'],
    ['a value cut off', '8201'],
    ['a length that is longer than it must be', '1801'],
    ['undefined', 'f7'],
  ])('are no others: %s is no value', (_, bytes) => {
    expect(fromBytes(Buffer.from(bytes, 'hex'))).toBeUndefined();
  });
});

describe('a record', () => {
  it('opens to the task that was signed', async () => {
    const { sign, peer: submitter } = await temporaryIdentity();
    const task = signTask({ ...body, submitter }, sign);
    expect(openTask(task.signed, createVerify())).toEqual(task);
    expect(task.id).toBe(taskIdOf(task.signed.bytes));
    expect(task.body).toEqual({ ...body, submitter });
  });

  it('keeps the bytes as received, and the fields of a later minor with them', () => {
    const record = signed({ later: { minor: 1 } });
    const task = opened(record);
    expect(task.signed).toBe(record);
    expect(task.body).toMatchObject({ later: { minor: 1 } });
    expect(task.id).not.toBe(golden.id);
  });

  it('asks for the signature of its submitter over its very bytes', () => {
    const asked: unknown[] = [];
    const record = signed();
    opened(record, (...args) => asked.push(args) > 0);
    expect(asked).toEqual([[peer, record.bytes, signature]]);
  });
});

describe('a damaged or hostile record', () => {
  it('is invalid when any of its bytes was changed', async () => {
    const { sign, peer: submitter } = await temporaryIdentity();
    const { bytes, signature: real } = signTask({ ...body, submitter }, sign).signed;
    const verify = createVerify();
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(whyNot({ bytes: changed, signature: real }, verify), `byte ${at}`).not.toBeNull();
    }
  });

  it('is invalid when its signature was changed or is of another peer', async () => {
    const [owner, stranger] = [await temporaryIdentity(), await temporaryIdentity()];
    const record = signTask({ ...body, submitter: owner.peer }, owner.sign).signed;
    const forged = signTask({ ...body, submitter: owner.peer }, stranger.sign).signed;
    const flipped = { ...record, signature: record.signature.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) };
    for (const bad of [forged, flipped]) expect(whyNot(bad, createVerify())).toBe('the signature does not fit');
  });

  it('is checked in its fields before anybody looks at its signature', () => {
    const never: Verify = () => {
      throw new Error('asked');
    };
    expect(whyNot({ bytes: new Uint8Array([0xff]), signature }, never)).not.toBeNull();
    expect(whyNot(signed({ electorate: [peer, peer] }), never)).toBe('an elector is named twice');
  });

  it.each<[string, Parameters<typeof signed>[0]]>([
    ['no electors', { electorate: [] }],
    ['more electors than there may be', { electorate: [...'123456'].map((digit) => `${peer}${digit}`) }],
    ['a submitter that is no peer id', { submitter: '../../etc' }],
    ['another format', { format: 2 }],
    ['round 0', { round: 0 }],
    ['a nonce that is not hex', { nonce: 'x'.repeat(16) }],
    ['a nonce that is too short', { nonce: 'ab' }],
    ['no title', { title: '' }],
    ['a title that is too long', { title: 'x'.repeat(Limits.title + 1) }],
    ['a prompt that is too long', { prompt: 'x'.repeat(Limits.prompt + 1) }],
    ['a specialty that is no plain word', { requires: { ...body.requires, specialties: ['a b'] } }],
    ['too many specialties', { requires: { ...body.requires, specialties: Array(Limits.specialties + 1).fill('a') } }],
    ['no budget at all, said as 0', { limits: { ...body.limits, budgetUsd: 0 } }],
    ['an issue number that is none', { source: { ...body.source, number: -1 } }],
    ['a source of an unknown kind', { source: { type: 'mail' } }],
    ['a repository of an unknown kind', { repository: { type: 'svn', url: 'x' } }],
    ['a priority of its own', { priority: 'urgent' }],
    ['a time that is no number', { createdAt: 'today' }],
  ])('is invalid with %s', (_, changed) => {
    expect(whyNot(signed(changed))).not.toBeNull();
    expect(whyNot(signed())).toBeNull();
  });

  it('cannot be made here either', () => {
    expect(() => signTask({ ...body, title: '' }, () => signature)).toThrow();
  });
});

describe('names', () => {
  const branch = (changed: Partial<TaskBody>): string => branchOf(opened(signed(changed)));

  it('of branches are known to everyone beforehand', () => {
    expect(branch({})).toBe('peer/issue-7');
    expect(branch({ round: 2 })).toBe('peer/issue-7-2');
    const prompt = opened(signed({ source: { type: 'prompt' } }));
    expect(branchOf(prompt)).toBe(`peer/task-${prompt.id.slice(0, 8)}`);
  });

  it('of tasks differ where anything in them does', () => {
    const ids = [{}, { nonce: 'f'.repeat(16) }, { round: 2 }, { electorate: [other, peer] }].map(
      (changed) => opened(signed(changed)).id,
    );
    expect(new Set(ids).size).toBe(4);
  });
});
