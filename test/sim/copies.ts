import type { Effect } from '../../src/peer/core/io.ts';
import { type BlobId, byText, type PeerId, type RunId, type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import { isTerminal } from '../../src/protocol/state.ts';
import type { VirtualNetwork } from './network.ts';
import type { Node } from './node.ts';
import type { Observation } from './observation.ts';
import type { Random } from './random.ts';

/** What the copies need of the driver that they belong to. */
export interface CopiesHost {
  readonly network: Pick<VirtualNetwork, 'send' | 'isLinked'>;
  at(peer: PeerId): Node;
  after(node: Node, ms: number, action: () => void): void;
  observe(observation: Observation): void;
  readonly nowMs: number;
  replicated(node: Node, run: RunId, blob: BlobId, holders: readonly PeerId[], isLast: boolean): void;
}

export interface Wanted {
  readonly task: TaskId;
  readonly blob: BlobId;
  readonly holders: readonly PeerId[];
}

/** A copy takes so long, and longer than a worker waits now and then. */
const transferMs = [5, 9_000] as const;
/** A transfer that does not move for so long is given up. */
const idleMs = 20_000;

/** Checkpoints on their way between virtual PCs: the live peer's `Copies`, for all peers at once. */
export class VirtualCopies {
  readonly #host: CopiesHost;
  readonly #random: Random;
  readonly #lossShare: number;
  /** Who is taking a copy of which task from which process. */
  readonly #giving = new Set<string>();

  /** `lossShare`: of crashes, that take the folder of checkpoints with them. */
  constructor(host: CopiesHost, random: Random, lossShare: number) {
    this.#host = host;
    this.#random = random;
    this.#lossShare = lossShare;
  }

  keep(node: Node, task: TaskId, blob: BlobId): void {
    node.checkpoints.keep(task, blob);
    this.#host.observe({ at: this.#host.nowMs, peer: node.name, type: 'checkpoint-kept', task, blob });
  }

  crashed(node: Node): void {
    if (this.#lossShare > 0 && this.#random.chance(this.#lossShare)) node.checkpoints.sweep(() => false);
  }

  /** In the order of `to`, so that the same seed gives the same run. */
  replicate(node: Node, { run, blob, to }: Extract<Effect, { type: 'replicate' }>): void {
    const task = taskOfRun(run);
    const isHere = node.checkpoints.has(task, blob);
    const others = isHere ? to.filter((peer) => peer !== node.id) : [];
    const holders: PeerId[] = isHere && to.includes(node.id) ? [node.id] : [];
    let left = others.length;
    const tell = (isLast: boolean): void => this.#host.replicated(node, run, blob, [...holders].sort(byText), isLast);
    if (left === 0) return this.#host.after(node, 0, () => tell(true));
    for (const peer of others) {
      this.#give(node, this.#host.at(peer), task, blob, (isTaken) => {
        left -= 1;
        if (isTaken) holders.push(peer);
        if (isTaken || left === 0) tell(left === 0);
      });
    }
  }

  /** From its own folder, or from the first holder that has it. */
  fetch(node: Node, wanted: Wanted, resume: (isHere: boolean) => void): void {
    const { task, blob, holders } = wanted;
    if (node.checkpoints.has(task, blob)) return this.#host.after(node, 1, () => resume(true));
    const [holder, ...others] = holders.filter((peer) => peer !== node.id);
    if (holder === undefined) return this.#host.after(node, 1, () => resume(false));
    const source = this.#host.at(holder);
    const { incarnation } = node;
    const settle = once((isFetched: boolean) => {
      // Who asked has died since, and its agent with it.
      if (node.incarnation !== incarnation) return;
      if (!isFetched) return this.fetch(node, { ...wanted, holders: others }, resume);
      this.keep(node, task, blob);
      resume(true);
    });
    if (!this.#host.network.isLinked(node.id, holder)) return this.#host.after(node, 1, () => settle(false));
    this.#host.after(node, idleMs, () => settle(false));
    this.#pass(node, source, () => {
      const isThere = source.checkpoints.has(task, blob);
      this.#host.after(source, isThere ? this.#random.magnitude(...transferMs) : 0, () =>
        this.#pass(source, node, () => settle(isThere)),
      );
    });
  }

  #give(from: Node, to: Node, task: TaskId, blob: BlobId, done: (isTaken: boolean) => void): void {
    const gift = `${from.name} ${from.incarnation} ${to.name} ${task}`;
    if (this.#giving.has(gift) || !this.#host.network.isLinked(from.id, to.id))
      return this.#host.after(from, 1, () => done(false));
    this.#giving.add(gift);
    const settle = once((isTaken: boolean) => {
      this.#giving.delete(gift);
      done(isTaken);
    });
    const takesMs = to.checkpoints.has(task, blob) ? 1 : this.#random.magnitude(...transferMs);
    this.#host.after(from, idleMs + takesMs, () => settle(false));
    this.#host.after(from, takesMs, () =>
      this.#pass(from, to, () => {
        const view = to.core?.task(task) ?? null;
        const isWanted = view !== null && !isTerminal(view.state) && !to.checkpoints.isFull;
        if (isWanted) this.keep(to, task, blob);
        this.#pass(to, from, () => settle(isWanted));
      }),
    );
  }

  #pass(from: Node, to: Node, action: () => void): void {
    const arrive = (): void => {
      if (to.core === null) return;
      if (to.standing === 'running') action();
      else to.hold(arrive);
    };
    this.#host.network.send(from.id, to.id, arrive);
  }
}

/** The first time only. */
function once(action: (value: boolean) => void): (value: boolean) => void {
  let isDone = false;
  return (value) => {
    if (isDone) return;
    isDone = true;
    action(value);
  };
}
