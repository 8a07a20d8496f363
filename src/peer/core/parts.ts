import type { Catalogue } from './catalogue.ts';
import type { Healing } from './healing.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import type { Registers } from './registers.ts';

/** What the machines of one peer share: each reads all of it, and says itself what it changes. */
export interface Parts {
  readonly config: CoreConfig;
  readonly catalogue: Catalogue;
  readonly membership: Membership;
  readonly registers: Registers;
  readonly healing: Healing;
}
