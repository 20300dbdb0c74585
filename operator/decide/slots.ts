import type { EffectivePolicy } from './effective-policy.ts';

/** The pool that calls the model. */
export const slotsPool = 'ai_api';

/** Workflows that one replica runs at a time. */
export const slotsOf = ({ runtime }: Pick<EffectivePolicy, 'runtime'>): number => runtime.pools[slotsPool] ?? 1;
