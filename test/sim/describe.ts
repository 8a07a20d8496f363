import { type Ballot, describeVersion, type Version } from '../../src/protocol/ballot.ts';
import { describeDecline } from '../../src/protocol/bids.ts';
import { originId } from '../../src/protocol/generation.ts';
import { type GenerationId, shortPeer, shortTask } from '../../src/protocol/ids.ts';
import type { Gossip, Message } from '../../src/protocol/messages.ts';
import type { Phase, TaskState } from '../../src/protocol/state.ts';

/** One line for one message, for logs, transcripts and traces: short, greppable, without secrets. */
export function describeMessage(message: Message | Gossip): string {
  const { type } = message;
  switch (message.type) {
    case 'task':
      return `${type} (${message.record.bytes.length} bytes)`;
    case 'stored':
    case 'need-task':
    case 'outcome-ack':
      return `${type} ${shortTask(message.task)}`;
    case 'preflight':
    case 'preflight-ok':
    case 'leaving':
      return type;
    case 'prepare':
    case 'release':
      return `${type} ${shortTask(message.task)}${inGeneration(message.generation)} ${ballotText(message.ballot)}`;
    case 'promise': {
      const found = message.accepted === null ? 'nothing accepted' : acceptedText(message.accepted);
      return `${type} ${shortTask(message.task)}${inGeneration(message.generation)} ${ballotText(message.ballot)}, ${found}`;
    }
    case 'prepare-reject': {
      const why = message.holder === null ? 'promised higher' : `held by ${shortPeer(message.holder.peer)}`;
      return `${type} ${shortTask(message.task)} ${ballotText(message.ballot)}, ${why}`;
    }
    case 'accept': {
      const what = message.value === null ? 'renewal' : stateText(message.value);
      return `${type} ${shortTask(message.task)}${inGeneration(message.generation)} ${describeVersion(message.version)}, ${what}`;
    }
    case 'accepted':
      return `${type} ${shortTask(message.task)}${inGeneration(message.generation)} ${describeVersion(message.version)}`;
    case 'accept-reject':
      return `${type} ${shortTask(message.task)} ${describeVersion(message.version)}, ${message.reason}`;
    case 'need-install':
    case 'installed':
      return `${type} ${shortTask(message.task)}${inGeneration(message.generation)}`;
    case 'install':
      return `${type} ${shortTask(message.task)} ${stateText(message.state)}`;
    case 'read':
      return `${type} ${shortTask(message.task)}`;
    case 'read-answer':
      return `${type} ${shortTask(message.task)} ${stateText(message.state)}`;
    case 'call':
    case 'assign':
    case 'report':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}`;
    case 'answer': {
      const { answer } = message;
      const what = answer.type === 'bid' ? `bid ${answer.score.toFixed(2)}` : describeDecline(answer);
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}, ${what}`;
    }
    case 'heartbeat':
    case 'progress':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}${message.progress === null ? '' : `, ${message.progress.text}`}`;
    case 'heartbeat-ack':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}, ${message.standing}`;
    case 'publish-request':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}, ${message.step} ${message.commit.slice(0, 8)}`;
    case 'publish-grant':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}, ${message.validMs} ms`;
    case 'outcome':
      return `${type} ${shortTask(message.task)} attempt ${message.attempt}, ${message.outcome.type}`;
    case 'cancel':
      return `${type} ${shortTask(message.task)}`;
    case 'cancel-answer':
      return `${type} ${shortTask(message.task)}, ${message.result}`;
    case 'sync-root':
    case 'sync-buckets':
      return type;
    case 'sync-entries':
      return `${type} ${message.entries.length}`;
    case 'summary': {
      const { task, version, state } = message.summary;
      return `${type} ${shortTask(task)} ${describeVersion(version)}, ${stateText(state)}`;
    }
    case 'tombstone':
      return `${type} ${shortTask(message.tombstone.task)}, ${message.tombstone.end.name}`;
    case 'submit':
      return `${type} ${message.draft.key}`;
    case 'submit-answer':
      return `${type} ${message.reply.type}`;
    case 'log-query':
      return `${type} ${shortTask(message.task)}`;
    case 'log-piece':
      return type;
    case 'advert':
      return `${type} of ${message.advert.name}, ${message.advert.running} of ${message.advert.capacity} slots`;
  }
}

export function stateText({ phase, generation, moved }: TaskState): string {
  const where = generation === null ? '' : ` in generation ${generation.number}`;
  const seal = moved === null ? '' : `, sealed for generation ${moved.number} of ${moved.electorate.length}`;
  return `${phaseText(phase)}${where}${seal}`;
}

const phaseText = (phase: Phase): string =>
  phase.name === 'assigned' || phase.name === 'publishing'
    ? `${phase.name} ${phase.attempt} to ${shortPeer(phase.worker)}`
    : phase.name;

const acceptedText = ({ version, value }: { readonly version: Version; readonly value: TaskState }): string =>
  `${describeVersion(version)} ${stateText(value)}`;

const inGeneration = (id: GenerationId): string => (id === originId ? '' : `/${id.slice(0, 4)}`);
const ballotText = ({ round, peer, incarnation }: Ballot): string => `${round}.${shortPeer(peer)}.${incarnation}`;
