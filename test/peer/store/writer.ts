import { createLevelStore } from '../../../src/peer/store/level-store.ts';
import { someRecord, someRegister, taskOf } from '../../support/stored-records.ts';

const [folder = ''] = process.argv.slice(2);
const store = createLevelStore(folder);
const { stored } = await store.open();
const task = taskOf('a');
for (let round = (stored.registers[0]?.register.promised?.round ?? 0) + 1; ; round++) {
  await store.write([
    { kind: 'task', task, record: someRecord(round % 256) },
    { kind: 'register', task, register: someRegister(round) },
  ]);
  process.send?.(round);
}
