import type { GenerationService, GenerationServiceSpec } from '../api/generation-service.ts';
import type { EffectivePolicy } from './effective-policy.ts';

/** A service with everything that its reconcile needs to know, and no client type in it. */
export interface Resolved {
  readonly service: GenerationService;
  /** The ceiling of every lever's own mode; the annotation genops.dev/paused has been read into it. */
  readonly mode: GenerationServiceSpec['mode'];
  readonly policy: EffectivePolicy;
  readonly components: readonly ResolvedComponent[];
}

export interface ResolvedComponent {
  readonly spec: GenerationServiceSpec['components'][number];
  /** The service's effective policy with the component's own overrides on top. */
  readonly policy: EffectivePolicy;
}
