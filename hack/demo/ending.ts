import type { Kube } from '../../operator/kube/client.ts';
import { podResource, projectPod } from '../../operator/metrics/pod-view.ts';
import type { BackendFigures } from '../../test/workload/service/views.ts';
import type { Ending } from './claims.ts';
import type { Played } from './play.ts';
import type { Programs } from './programs.ts';
import { names } from './story.ts';

/** Asked for right after the load. */
export async function endingOf(
  { load }: Pick<Played, 'load'>,
  { kube, programs }: { readonly kube: Kube; readonly programs: Programs },
  signal: AbortSignal,
): Promise<Ending> {
  const rescales = await programs.kubectl(
    [
      'get',
      'events',
      '-n',
      names.workloads,
      '--field-selector=reason=SuccessfulRescale',
      '--sort-by=.metadata.creationTimestamp',
      '-o',
      'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
    ],
    signal,
  );
  return {
    load,
    rescales: rescales.split('\n').filter((text) => text !== ''),
    driftCounted: await driftCount(kube, signal),
    backends: await backendFigures(kube, signal),
  };
}

/** What each Pod that is left says of its threads, its model and its PostgreSQL; none of one that cannot be asked. */
async function backendFigures(kube: Kube, signal: AbortSignal): Promise<readonly BackendFigures[]> {
  const query = { namespace: names.workloads, labelSelector: names.selector };
  const pods = (await kube.list(podResource, query, signal)).map(projectPod);
  const within = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  const answers = await Promise.allSettled(
    pods.map(async ({ ip = '' }) => {
      const response = await fetch(`http://${ip}:8080/api/backends/status`, { signal: within });
      return (await response.json()) as BackendFigures;
    }),
  );
  signal.throwIfAborted();
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** What the operator's own /metrics says; undefined where it cannot be asked. */
async function driftCount(kube: Kube, signal: AbortSignal): Promise<number | undefined> {
  const query = { namespace: names.operator, labelSelector: 'app.kubernetes.io/name=genops' };
  const pods = await kube.list(podResource, query, signal);
  const within = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  const counts = pods.map(async ({ status }) => {
    const page = await fetch(`http://${status?.podIP ?? ''}:8080/metrics`, { signal: within });
    return Number(/^genops_drift_total\{lever="redis"\} (\d+)$/m.exec(await page.text())?.[1] ?? 0);
  });
  const answers = await Promise.allSettled(counts);
  signal.throwIfAborted();
  const known = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
}
