import type {
  DurableRecord,
  Stored,
  StoredKnowledge,
  StoredQuota,
  StoredRegister,
} from '../../src/peer/store/store.ts';
import { originId } from '../../src/protocol/generation.ts';
import { byText, type GenerationId, type PeerId, type TaskId } from '../../src/protocol/ids.ts';
import type { SignedRecord } from '../../src/protocol/record.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';

/** A peer's disk: what was written survives its crash; what was lazily persisted is written with the next that is not. */
export class DiskImage {
  readonly #tasks = new Map<TaskId, SignedRecord>();
  readonly #registers = new Map<string, { readonly task: TaskId; readonly register: StoredRegister }>();
  readonly #knowledge = new Map<TaskId, StoredKnowledge>();
  readonly #submissions = new Set<TaskId>();
  readonly #spend = new Map<number, number>();
  readonly #quotas = new Map<string, StoredQuota>();
  readonly #peers = new Map<PeerId, { readonly name: string; readonly addresses: readonly string[] }>();

  readonly #tombstones = new Map<TaskId, Tombstone>();

  #kept: DurableRecord[] = [];

  write(record: DurableRecord, lazy: boolean): void {
    this.#kept.push(record);
    if (!lazy) this.flush();
  }

  flush(): void {
    for (const record of this.#kept.splice(0)) this.#apply(record);
  }

  crash(): void {
    this.#kept = [];
  }

  #apply(record: DurableRecord): void {
    switch (record.kind) {
      case 'task':
        this.#tasks.set(record.task, record.record);
        return;
      case 'register':
        this.#registers.set(keyOf(record.task, record.register.initial?.generation?.id), record);
        return;
      case 'knowledge':
        this.#knowledge.set(record.task, record.knowledge);
        return;
      case 'submission':
        if (record.pending) this.#submissions.add(record.task);
        else this.#submissions.delete(record.task);
        return;
      case 'peer':
        this.#peers.set(record.peer, { name: record.name, addresses: record.addresses });
        return;
      case 'forget-peer':
        this.#peers.delete(record.peer);
        return;
      case 'spend':
        if (record.usd > 0) this.#spend.set(record.day, record.usd);
        else this.#spend.delete(record.day);
        return;
      case 'quota':
        if (record.quota !== null) this.#quotas.set(record.executor, record.quota);
        else this.#quotas.delete(record.executor);
        return;
      case 'forget':
        this.#tasks.delete(record.task);
        for (const id of record.generations) this.#registers.delete(keyOf(record.task, id));
        this.#knowledge.delete(record.task);
        this.#submissions.delete(record.task);
        return;
      case 'tombstone':
        this.#tombstones.set(record.tombstone.task, record.tombstone);
        return;
      case 'forget-tombstone':
        this.#tombstones.delete(record.task);
    }
  }

  load(): { readonly stored: Stored; readonly records: readonly SignedRecord[] } {
    const stored: Stored = {
      tasks: sorted(this.#tasks).map(([task, record]) => ({ task, record })),
      registers: sorted(this.#registers).map(([, { task, register }]) => ({ task, register })),
      knowledge: sorted(this.#knowledge).map(([task, knowledge]) => ({ task, knowledge })),
      submissions: [...this.#submissions].sort(byText),
      peers: sorted(this.#peers).map(([peer, { name, addresses }]) => ({ peer, name, addresses })),
      spend: [...this.#spend].map(([day, usd]) => ({ day, usd })),
      quotas: sorted(this.#quotas).map(([executor, quota]) => ({ executor, quota })),
      tombstones: sorted(this.#tombstones).map(([, tombstone]) => tombstone),
    };
    return { stored, records: stored.tasks.map(({ record }) => record) };
  }
}

const keyOf = (task: TaskId, generation: GenerationId = originId): string =>
  generation === originId ? task : `${task}.${generation}`;

const sorted = <K extends string, V>(map: ReadonlyMap<K, V>): readonly (readonly [K, V])[] =>
  [...map].sort(([a], [b]) => byText(a, b));
