import { describeVersion } from '../../src/protocol/ballot.ts';
import type { Generation } from '../../src/protocol/generation.ts';
import { type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import type { TaskState } from '../../src/protocol/state.ts';
import { attemptOfRun, type Observation, type ObservationOf, type Observer } from './observation.ts';
import { placeOf } from './oracles/oracle.ts';

interface Line {
  readonly at: number;
  /** Null = matters to every task: faults. */
  readonly about: TaskId | string | null;
  readonly text: string;
}

const kept = 4_000;
const shown = 120;

/** The last events that matter, bounded: what a report tells of how it came to a violation. */
export class EventLog implements Observer {
  #lines: Line[] = [];
  readonly #places = new Map<TaskId, string>();
  /** The last value that each elector has written, by its register. */
  readonly #values = new Map<string, TaskState>();

  see(observation: Observation): void {
    if (observation.type === 'record') this.#places.set(observation.task.id, placeOf(observation.task));
    const line = observation.type === 'register' ? this.#write(observation) : lineOf(observation);
    if (line === null) return;
    this.#lines.push({ at: observation.at, ...line });
    if (this.#lines.length > 2 * kept) this.#lines = this.#lines.slice(-kept);
  }

  /** New values only: promises and renewals are many. */
  #write({ peer, task, register }: ObservationOf<'register'>): Omit<Line, 'at'> | null {
    const { accepted, initial } = register;
    if (accepted === null) return null;
    const name = `${peer} ${task} ${initial?.generation?.id}`;
    if (this.#values.get(name) === accepted.value) return null;
    this.#values.set(name, accepted.value);
    const where = generationText(initial?.generation ?? null);
    const text = `${peer} accepts ${describeVersion(accepted.version)}${where}: ${phaseOf(accepted.value)}`;
    return { about: task, text };
  }

  /** Those about this task and its branch, and all faults; oldest first, after a legend. */
  about(task: TaskId | null): readonly string[] {
    const place = task === null ? undefined : this.#places.get(task);
    const lines = this.#lines.filter(
      ({ about }) => about === null || task === null || about === task || about === place,
    );
    const texts = lines.slice(-shown).map(({ at, text }) => `${at.toFixed(1).padStart(12)}  ${text}`);
    return [
      '    true ms  who, what (versions are round.peer.incarnation#seq; writes are shown once for each elector)',
      ...texts,
    ];
  }
}

const generationText = (generation: Generation | null): string =>
  generation === null ? '' : ` in generation ${generation.number} (${generation.id.slice(0, 4)})`;

function lineOf(observation: Observation): Omit<Line, 'at'> | null {
  switch (observation.type) {
    case 'peer':
      return { about: null, text: `${observation.peer} ${observation.change}` };
    case 'replaced':
      return { about: null, text: `${observation.peer} has lost its disk, and ${observation.by} joins` };
    case 'cut':
      return { about: null, text: `${observation.kind} of ${observation.peers.join(', ')} begins (${observation.id})` };
    case 'healed':
      return { about: null, text: `cut ${observation.id} is healed` };
    case 'record': {
      const { id, body } = observation.task;
      return {
        about: id,
        text: `${observation.peer} has the record of ${id.slice(0, 8)}, ${body.key}, electors ${body.electorate.join(' ')}`,
      };
    }
    case 'register':
      return null;
    case 'told-end':
      return {
        about: observation.task,
        text: `${observation.peer} shows the end: ${JSON.stringify(observation.state.phase)}`,
      };
    case 'buried': {
      const { task, end } = observation.tombstone;
      return { about: task, text: `${observation.peer} has pruned it, ${end.name}` };
    }
    case 'lease':
      return {
        about: observation.task,
        text: `${observation.peer} ${observation.change} the lease, round ${observation.ballot.round}`,
      };
    case 'generation': {
      const { number, electorate, forced } = observation.generation;
      const text = `${observation.peer} has a seat in ${forced ? 'forced ' : ''}generation ${number}: ${electorate.join(' ')}`;
      return { about: observation.task, text };
    }
    case 'fork-met':
      return { about: observation.task, text: `${observation.peer} gives way to another life of the task` };
    case 'agent-started':
      return { about: observation.job.task.id, text: `${observation.peer} starts attempt ${observation.job.attempt}` };
    case 'agent-stopped':
      return ofRun(
        observation.run,
        `${observation.peer} stops attempt ${attemptOfRun(observation.run)}: ${observation.reason}`,
      );
    case 'limited':
      return { about: null, text: `${observation.peer} has no quota until ${observation.untilMs} of its wall clock` };
    case 'agent-ended':
      return ofRun(observation.run, `${observation.peer}: attempt ${attemptOfRun(observation.run)} ${observation.how}`);
    case 'checkpoint-kept':
      return { about: observation.task, text: `${observation.peer} has checkpoint ${observation.blob.slice(-6)}` };
    case 'went-on': {
      const { peer, run, blob } = observation;
      return ofRun(run, `${peer} goes on with attempt ${attemptOfRun(run)} from checkpoint ${blob.slice(-6)}`);
    }
    case 'wants-grant': {
      const { peer, run, step } = observation;
      return ofRun(run, `${peer} wants to ${step} for attempt ${attemptOfRun(run)}`);
    }
    case 'granted': {
      const { peer, run, step, untilMs } = observation;
      return ofRun(run, `${peer} may ${step} for attempt ${attemptOfRun(run)} until ${untilMs.toFixed(1)}`);
    }
    case 'pushed': {
      const { by, place, accepted, commit, replaced } = observation;
      const who = by === null ? 'a person' : `attempt ${attemptOfRun(by)} of ${by.slice(0, 8)}`;
      const what = `${commit.slice(-6)} over ${replaced?.slice(-6) ?? 'nothing'}`;
      return { about: place, text: `${who} pushes ${what} to ${place}: ${accepted ? 'accepted' : 'refused'}` };
    }
    case 'pull-opened':
      return {
        about: observation.place,
        text: `attempt ${attemptOfRun(observation.by)} opens #${observation.number} for ${observation.place}`,
      };
    case 'pull-ended':
      return { about: observation.place, text: `#${observation.number} of ${observation.place} is ${observation.how}` };
    case 'branch-removed':
      return { about: observation.place, text: `${observation.place} is removed` };
    case 'replied':
      return {
        about: 'task' in observation.reply ? observation.reply.task : observation.id,
        text: `${observation.peer} replies ${observation.reply.type}`,
      };
    case 'shows':
      return { about: observation.task, text: `${observation.peer} shows ${observation.phase ?? 'nothing'}` };
    case 'told': {
      const { peer, run, report } = observation;
      const cost = 'costUsd' in report ? `, ${report.costUsd}` : '';
      return ofRun(run, `${peer} is told of attempt ${attemptOfRun(run)}: ${report.type}${cost}`);
    }
    case 'leads':
    case 'asked':
    case 'spent':
    case 'counted':
      return null;
  }
}

const ofRun = (run: Parameters<typeof taskOfRun>[0], text: string): Omit<Line, 'at'> => ({
  about: taskOfRun(run),
  text,
});

const phaseOf = ({ phase, moved, attemptsStarted }: TaskState): string => {
  const what =
    'attempt' in phase ? `${phase.name} ${phase.attempt} to ${phase.worker}` : `${phase.name} after ${attemptsStarted}`;
  return moved === null ? what : `${what}, sealed for ${moved.id.slice(0, 4)}: ${moved.electorate.join(' ')}`;
};
