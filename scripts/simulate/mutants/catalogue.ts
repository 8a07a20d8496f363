import { generationMutants } from './generations.ts';
import { leaseMutants } from './lease.ts';
import { moneyMutants } from './money.ts';
import type { Mutant } from './mutant.ts';
import { placementMutants } from './placement.ts';
import { pruningMutants } from './pruning.ts';
import { publishingMutants } from './publishing.ts';
import { registerMutants } from './register.ts';

export const mutants: readonly Mutant[] = [
  ...leaseMutants,
  ...registerMutants,
  ...generationMutants,
  ...publishingMutants,
  ...placementMutants,
  ...moneyMutants,
  ...pruningMutants,
];

export const mutantCalled = (id: string): Mutant | undefined => mutants.find((mutant) => mutant.id === id);
