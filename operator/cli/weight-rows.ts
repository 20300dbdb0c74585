import type { NginxWeights } from '../serve/views/weights.ts';

export function weightsTitle({ nginx, component, mode, busyPercent, effectPercent }: NginxWeights): string {
  const busy = busyPercent === null ? '' : `, ${busyPercent} % of all slots busy`;
  const effect =
    effectPercent === null || effectPercent === 100 ? '' : `, so service times count by ${effectPercent} %`;
  return `Weights of ${component} in ${nginx} (${mode}${busy}${effect})`;
}

/** What each word means; others say it themselves. */
const meanings: Readonly<Record<string, string>> = {
  Measured: 'follows what was measured',
  Failing: 'fails more than the others',
  WithinBand: 'near enough to what was measured',
  SlowStart: 'new: grows to its share',
  TooFewRequests: 'stays: too few requests since the last look',
  NoRequests: 'has the average: no requests for so long that nothing is known of it',
  Expired: 'not heard of for too long: goes back to the average',
  GapsInLog: 'stays: some of what nginx told was lost',
  Pending: 'was not weighed yet',
  Label: 'by its label',
  NoLabel: 'has no label',
  NotAWeight: 'its label is no weight from 1 to 100',
  Equal: 'as all',
};

export const weightRows = ({ pods }: NginxWeights): readonly (readonly string[])[] =>
  pods.map(({ server, pod, weight, target, why, serviceMs, errorPercent, requests }) => [
    pod ?? server,
    target === null || target === weight ? String(weight) : `${weight} → ${target}`,
    why,
    [
      meanings[why] ?? '',
      ...(serviceMs === null ? [] : [`${serviceMs} ms a request, of ${requests ?? 0}`]),
      ...(errorPercent === null || errorPercent === 0 ? [] : [`${errorPercent} % errors`]),
    ].join('; '),
  ]);
