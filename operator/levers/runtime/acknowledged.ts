import { LRUCache } from 'lru-cache';
import type { PodReport } from './reports.ts';

/** What Pods have answered to a push, until they are looked at again. */
export interface Acknowledged {
  /** @param running As the gauge has it. */
  add(uid: string, running: number): void;
  /** With what the Pod has answered since it was looked at; of one without the gauge, for a while. */
  within(report: PodReport): PodReport;
}

/** A Pod without the gauge is asked again after so long: its process may be another by then. More than a visit's interval. */
const ttlMs = 90_000;
const maxPods = 10_000;

export function createAcknowledged(): Acknowledged {
  const answers = new LRUCache<string, { readonly running: number; readonly at: number }>({ max: maxPods, ttl: ttlMs });
  return {
    add: (uid, running) => void answers.set(uid, { running, at: Date.now() }),
    within(report) {
      const { pod, running, observedAt = -Infinity } = report;
      const answer = answers.get(pod.uid);
      if (answer === undefined || (running !== undefined && observedAt > answer.at)) return report;
      return { pod, isRead: true, running: answer.running };
    },
  };
}
