import type { LoadBalancerReport } from '../../api/load-balancer-report.ts';
import type { NginxWeights } from '../lever.ts';

/** What the agent of one Pod said, or why it said nothing. */
export type AgentSaid =
  | { readonly pod: string; readonly kind: 'said'; readonly report: LoadBalancerReport }
  | { readonly pod: string; readonly kind: 'silent'; readonly failure: string };

export interface Reports {
  readonly said: readonly AgentSaid[];
  readonly total: number;
  /** Pods that serve the settings. */
  readonly current: readonly LoadBalancerReport[];
  /** Why nginx did not take them, with the Pod's name. */
  readonly rejected: readonly string[];
  /** None of those has said why: it does not react. */
  readonly isSilent: boolean;
  /** The others, in words. */
  readonly behind: readonly string[];
}

/** Of what the agents said: who serves the settings with this hash and who does not. */
export function reportsOf(said: readonly AgentSaid[], hash: string): Reports {
  const current = said.flatMap((one) => (one.kind === 'said' && one.report.loaded?.hash === hash ? [one.report] : []));
  const refusing = said.flatMap(({ pod, ...one }) =>
    one.kind === 'said' && isRejected(one.report, hash) ? [{ pod, ...one.report.rejected }] : [],
  );
  return {
    said,
    total: said.length,
    current,
    rejected: refusing.map(({ pod, message }) => `${pod}: ${words(message)}`),
    isSilent: refusing.every(({ isSilent }) => isSilent === true),
    behind: said.flatMap((one) => behindText(one, hash)),
  };
}

/** What it cannot read has no hash, and is what stands there. Settings that it serves are rejected where it does not take what goes with them: another certificate, other Pods. */
const isRejected = ({ loaded, rejected }: LoadBalancerReport, hash: string): boolean =>
  rejected !== undefined && (rejected.hash ?? (loaded?.hash === hash ? '' : hash)) === hash;

function behindText(said: AgentSaid, hash: string): readonly string[] {
  const { pod } = said;
  if (said.kind === 'silent') return [`${pod} cannot be read (${words(said.failure)})`];
  const { loaded, rejected } = said.report;
  if (loaded?.hash === hash) return [];
  const refused = rejected === undefined ? '' : ` (${words(rejected.message)})`;
  return [`${pod} ${loaded === undefined ? 'serves nothing yet' : `serves ${loaded.hash}`}${refused}`];
}

export const listed = (texts: readonly string[]): string =>
  `${texts.slice(0, 5).join(', ')}${texts.length > 5 ? ` and ${texts.length - 5} more` : ''}`;

/** It comes from a Pod: as much as a message has room for, and no more lines than one. */
export const words = (text = ''): string => text.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, 600);

/** The weights in force of each nginx that says so. */
export const weightsOf = (said: readonly AgentSaid[]): readonly NginxWeights[] =>
  said.flatMap((one) =>
    one.kind === 'silent'
      ? []
      : Object.entries(one.report.loaded?.weights ?? {}).map(([component, weights]) => ({
          nginx: one.pod,
          component,
          weights,
        })),
  );
