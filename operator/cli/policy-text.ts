import type { GenerationService } from '../api/generation-service.ts';

/** What the spec names, and beside it what is in force until that can be. */
export function policyText({ spec: { policyRef }, status: { policy } = {} }: GenerationService): string {
  const named = policyRef?.name;
  if (policy === undefined || policy.name === named) return named ?? 'defaults';
  return `${named ?? 'defaults'} (in force ${policy.name === undefined ? 'are the defaults' : `is ${policy.name}`})`;
}
