import type { Input } from '../../src/peer/core/io.ts';
import { openTask, type SignedRecord, type Task } from '../../src/protocol/record.ts';
import type { Outgoing } from './records.ts';

type Incoming = Extract<Input, { type: 'message' }>['message'];

const known = new WeakMap<SignedRecord, Task>();

/** The task in a record. Records travel by reference here, so each is parsed and hashed once. */
export function opened(record: SignedRecord): Task {
  const before = known.get(record);
  if (before !== undefined) return before;
  const task = openTask(record, () => true);
  if ('invalid' in task) throw new Error(task.invalid);
  known.set(record, task);
  return task;
}

export const receivedOf = (message: Outgoing): Incoming =>
  message.type === 'task' ? { type: 'task', task: opened(message.record) } : message;
