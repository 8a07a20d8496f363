import { networkInterfaces } from 'node:os';
import multicastDns, { type MulticastDNS, type QueryPacket, type ResponsePacket } from 'multicast-dns';

type Answers = Parameters<MulticastDNS['respond']>[0];
type Listener = (packet: unknown) => void;

const interfacesEveryMs = 1_000;

/** One IPv4 address for each interface that leads to other machines; the loopback one where there is no other. */
export function lanInterfaces(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap(
    (entries) => entries?.find((one) => one.family === 'IPv4') ?? [],
  );
  const external = all.filter((one) => !one.internal);
  return (external.length > 0 ? external : all).map((one) => one.address).sort();
}

/**
 * mDNS on several interfaces: one socket hears on all of them, and one for each of them speaks. A single socket would
 * speak on the default route's interface only, and nowhere, silently, where there is no default route.
 * Follows a laptop from one network to the next.
 */
export class LanSocket {
  private readonly fixed: readonly string[] | null;
  private readonly onProblem: (reason: string) => void;
  private readonly reported = new Set<string>();
  private readonly listeners: { readonly event: 'query' | 'response'; readonly listener: Listener }[] = [];
  private readonly timer: NodeJS.Timeout;
  private changed: () => void = () => {};
  private interfaces: readonly string[];
  private sockets: Sockets;

  /**
   * `interfaces` are IPv4 addresses; null: all that lead to other machines. `onProblem` is told, once each, of
   * interfaces that do not do multicast, and of a port that cannot be shared.
   */
  constructor(interfaces: readonly string[] | null, onProblem: (reason: string) => void) {
    this.fixed = interfaces;
    this.onProblem = onProblem;
    this.interfaces = this.currentInterfaces();
    this.sockets = this.open();
    this.timer = setInterval(() => this.followInterfaces(), interfacesEveryMs);
  }

  on(event: 'query', listener: (packet: QueryPacket) => void): this;
  on(event: 'response', listener: (packet: ResponsePacket) => void): this;
  on(event: 'query' | 'response', listener: (packet: never) => void): this {
    this.listeners.push({ event, listener: listener as Listener });
    this.sockets.hearing.on(event as string, listener as Listener);
    return this;
  }

  /** Called when it speaks elsewhere than before: a cable is back, or the PC is on another network. */
  onChange(listener: () => void): void {
    this.changed = listener;
  }

  query(serviceName: string, type: 'PTR' | 'TXT'): void {
    for (const speaker of this.sockets.speakers) speaker.query([{ name: serviceName, type }]);
  }

  respond(answers: Answers): void {
    for (const speaker of this.sockets.speakers) speaker.respond(answers);
  }

  destroy(): void {
    clearInterval(this.timer);
    this.close();
  }

  private open(): Sockets {
    if (this.interfaces.length === 0) this.report('this machine has no IPv4 address');
    const hearing = this.reporting(multicastDns(), '');
    for (const { event, listener } of this.listeners) hearing.on(event as string, listener);
    // From ports of their own (`bind: false`), so that the speakers are not handed every packet that is heard.
    const speakers = this.interfaces.map((address) =>
      this.reporting(multicastDns({ interface: address, bind: false }), `${address}: `),
    );
    return { hearing, speakers };
  }

  private close(): void {
    for (const socket of [this.sockets.hearing, ...this.sockets.speakers]) socket.destroy();
  }

  private followInterfaces(): void {
    const current = this.currentInterfaces();
    if (current.join() === this.interfaces.join()) return;
    this.interfaces = current;
    this.close();
    this.sockets = this.open();
    this.changed();
  }

  private currentInterfaces(): readonly string[] {
    return this.fixed ?? lanInterfaces();
  }

  /** Only what the system reports: a packet from the network that makes no sense is nobody's news. */
  private reporting(socket: MulticastDNS, prefix: string): MulticastDNS {
    const report = (error: Error): void => {
      if ('syscall' in error) this.report(prefix + error.message);
    };
    return socket.on('error', report).on('warning', report);
  }

  private report(reason: string): void {
    if (this.reported.has(reason)) return;
    this.reported.add(reason);
    this.onProblem(reason);
  }
}

interface Sockets {
  readonly hearing: MulticastDNS;
  readonly speakers: readonly MulticastDNS[];
}
