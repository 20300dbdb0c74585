import { hashNumber } from '../../api/runtime-hash.ts';
import type { PodView } from '../../metrics/pod-view.ts';

/** What one Ready Pod says of the settings that it runs with. */
export interface PodReport {
  readonly pod: PodView;
  /** It was looked at, with or without success. */
  readonly isRead: boolean;
  /** When it said so, ms since the epoch; absent: it could not be read. */
  readonly observedAt?: number;
  /** Value of the gauge, or what it answered to a push since; undefined: it has none. */
  readonly running?: number;
  /** Why it could not be read, one word. */
  readonly failure?: string;
}

export type Reports =
  /** Not all were looked at since we began to lead, and those that were are well; or nobody looks here. */
  | { readonly kind: 'unread'; readonly isLookedAt: boolean }
  | {
      readonly kind: 'read';
      readonly total: number;
      /** Those that say that they run with the settings. */
      readonly current: number;
      /** Those that nobody has looked at yet. */
      readonly unread: number;
      readonly behind: readonly PodReport[];
      /** None of them says anything: it is no workload that reads its settings, as far as we can see. */
      readonly isSilent: boolean;
    };

/** Of what was read: who runs with these settings and who does not. A Pod that nobody has looked at yet is neither. */
export function reportsOf(pods: readonly PodReport[] | undefined, hash: string): Reports {
  if (pods === undefined) return { kind: 'unread', isLookedAt: false };
  const wanted = hashNumber(hash);
  const behind = pods.filter(({ isRead, running }) => isRead && running !== wanted);
  const unread = pods.filter(({ isRead }) => !isRead).length;
  if (behind.length === 0 && unread > 0) return { kind: 'unread', isLookedAt: true };
  const total = pods.length;
  const isSilent = behind.length > 0 && unread === 0 && pods.every(({ running }) => running === undefined);
  return { kind: 'read', total, current: total - behind.length - unread, unread, behind, isSilent };
}

/** Pods that are behind and can be told at once. The others get the settings with their volume. */
export const toldNow = (reports: Reports, port: string | number | undefined): readonly PodView[] =>
  reports.kind === 'unread' || port === undefined
    ? []
    : reports.behind
        .map(({ pod }) => pod)
        .filter(({ ports }) => typeof port === 'number' || ports.some(({ name }) => name === port));

/** The same once these have taken the settings. */
export function withTold(reports: Reports, told: readonly PodView[]): Reports {
  if (reports.kind === 'unread' || told.length === 0) return reports;
  const behind = reports.behind.filter(({ pod }) => !told.includes(pod));
  return { ...reports, current: reports.current + told.length, behind, isSilent: false };
}
