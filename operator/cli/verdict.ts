import type { GenerationServiceStatus } from '../api/status.ts';
import type { EffectivePolicy } from '../decide/effective-policy.ts';
import type { ObjectiveName } from '../decide/objectives.ts';
import { exit } from './command.ts';

type Entry = NonNullable<GenerationServiceStatus['objectives']>[number];

/** An objective as it stands, with what the policy wants of it. */
export type AskedObjective = Entry & {
  readonly mode: EffectivePolicy['objectives']['memory']['mode'];
};

/** What is known of a service at one moment. */
export interface Look {
  /** `ai/generation`, or the URL. */
  readonly about: string;
  readonly objectives: readonly AskedObjective[];
  /** Why nothing can be said from these, or nothing of now. */
  readonly unsettled?: string | undefined;
  /** What the answer takes for granted, whatever it is. */
  readonly caution?: string;
  /** What is worth knowing where the answer is not yes. */
  readonly remarks?: readonly string[];
}

export interface Verdict {
  readonly answer: 'Met' | 'NotMet' | 'Unknown';
  /** Which objectives stand how, in one line. */
  readonly summary: string;
}

export const exitOf = ({ answer }: Verdict): number =>
  ({ Met: exit.yes, NotMet: exit.no, Unknown: exit.cannotTell })[answer];

/** Only what is Required counts. One that is not met is an answer, whatever else is unknown; unknown is never met. */
export function verdictOf(
  { objectives, unsettled }: Look,
  { allowUnexercised }: { readonly allowUnexercised: boolean },
): Verdict {
  if (unsettled !== undefined) return { answer: 'Unknown', summary: unsettled };
  const required = objectives.filter(({ mode }) => mode === 'Required');
  const named = (state: AskedObjective['state']): readonly string[] =>
    required.filter((one) => one.state === state).map(({ name }) => name);
  const [met, notMet, unknown, idle] = [named('Met'), named('NotMet'), named('Unknown'), named('NotExercised')];
  const [asked, passedOver] = allowUnexercised ? [required.length - idle.length, idle] : [required.length, []];
  const isAllMet = asked > 0 && met.length === asked;
  const parts = [
    asked === 0 ? 'no required objective to judge' : `${met.length} of ${asked} met`,
    listed('not met', notMet),
    listed('no data', unknown),
    listed(passedOver.length > 0 ? 'not exercised, passed over' : 'not exercised', idle),
  ];
  return {
    answer: notMet.length > 0 ? 'NotMet' : isAllMet ? 'Met' : 'Unknown',
    summary: parts.filter((part) => part !== '').join('; '),
  };
}

const listed = (title: string, names: readonly string[]): string =>
  names.length === 0 ? '' : `${title}: ${names.join(', ')}`;

const fields = {
  WorkflowDuration: 'workflowDuration',
  ConcurrentWorkflows: 'concurrentWorkflows',
  CachedResponseTime: 'cachedResponseTime',
  Memory: 'memory',
  CacheHitRatio: 'cacheHitRatio',
  SuccessRatio: 'successRatio',
} as const satisfies Record<ObjectiveName, keyof EffectivePolicy['objectives']>;

/** Objectives with the modes of the policy. */
export const asked = (objectives: readonly Entry[], policy: EffectivePolicy['objectives']): readonly AskedObjective[] =>
  objectives.map((entry) => ({ ...entry, mode: policy[fields[entry.name]].mode }));
