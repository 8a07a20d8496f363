import { z } from 'zod';
import { Limits } from './limits.ts';

/** What one attempt has cost, in US dollars. */
export const costSchema = z.number().min(0).max(Limits.attemptUsd);

/** What several have cost together. */
export const sumSchema = z.number().min(0).max(Limits.sumUsd);

/** Amounts are in US dollars, kept to a millionth: sums neither drift nor show digits that nobody has spent. */
export const addUsd = (a: number, b: number): number =>
  Math.min(Limits.sumUsd, Math.round((a + b) * 1_000_000) / 1_000_000);

/** What is left of a budget; nothing, where more than all of it is spent. */
export const leftUsd = (budget: number, spent: number): number => Math.max(0, addUsd(budget, -spent));

export const usdText = (usd: number): string => `$${usd.toFixed(2)}`;
