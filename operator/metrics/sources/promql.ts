import { metricNames, type SignalName } from '../../api/contract.ts';
import type { SamplePart } from '../exposition.ts';
import type { Feed, LabelMatcher } from '../signals.ts';

/** The label by which the parts of the one query are told apart: `3/bucket` is the buckets of the feed at 3. */
export const partLabel = 'genops';

/** What a rate stands on: at least two scrapes have to fall into it. */
const rateWindow = '1m';
export const rateWindowMs = 60_000;

/** Everything that the feeds of the Pods of these namespaces need, as one query: rates and values, a series for each Pod (and bucket). Empty where nothing is asked. */
export function queryFor(
  feeds: readonly Feed[],
  namespaces: readonly string[],
  isAsked: (feed: Feed) => boolean,
): string {
  const operator = namespaces.length === 1 ? '=' : '=~';
  const within: LabelMatcher = { label: 'namespace', operator, value: namespaces.join('|') }; // DNS labels: no pattern is in them
  return feeds.flatMap((feed, index) => (isAsked(feed) ? partsOf(feed, index, within) : [])).join(' or ');
}

function partsOf(feed: Feed, index: number, within: LabelMatcher): readonly string[] {
  const { family, part, where } = feed;
  const metric = (name: string): LabelMatcher => ({ label: '__name__', operator: '=', value: name });
  /** A counter's name may end in _total or not: its family does not. */
  const counter: LabelMatcher = { ...metric(`${literal(family.name)}(_total)?`), operator: '=~' };
  const samples = (name: LabelMatcher): string[] => where.map((all) => selector([name, ...all, within]));
  const rate = (name: LabelMatcher): string =>
    samples(name)
      .map((of) => `rate(${of}[${rateWindow}])`)
      .join(' or ');
  const labelled = (of: SamplePart, from: string, by = 'namespace, pod'): string =>
    `label_replace(sum by (${by}) (${from}), "${partLabel}", "${index}/${of}", "pod", ".*")`;
  if (part === 'histogram')
    return [
      labelled('bucket', rate(metric(`${family.name}_bucket`)), 'namespace, pod, le'),
      labelled('sum', rate(metric(`${family.name}_sum`))),
      labelled('count', rate(metric(`${family.name}_count`))),
    ];
  if (part !== 'value') return [labelled(part, rate(metric(`${family.name}_${part}`)))];
  return [labelled('value', family.kind === 'gauge' ? samples(metric(family.name)).join(' or ') : rate(counter))];
}

const selector = (matchers: readonly LabelMatcher[]): string =>
  `{${matchers.map(({ label, operator, value }) => `${label}${operator}${JSON.stringify(value)}`).join(',')}}`;

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a person's own query for a signal should look like; for messages. */
export const exampleQuery = (signal: SignalName): string =>
  `${signal}: sum by (namespace, pod${isTime(signal) ? ', le' : ''}) (rate(${metricNames.requestDuration}${isTime(signal) ? '_bucket' : '_count'}[${rateWindow}]))`;

export const isTime = (signal: SignalName): boolean =>
  signal === 'responseTime' || signal === 'cachedResponseTime' || signal === 'workflowDuration';
